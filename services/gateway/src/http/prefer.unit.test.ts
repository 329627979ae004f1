import { describe, expect, test } from 'vitest'
import { parsePrefer } from './prefer.ts'

describe('Prefer', () => {
  test.each([
    ['wait=5', 5_000, 'wait=5'],
    ['wait="5"', 5_000, 'wait=5'],
    ['  WAIT  =  5 ; parameter', 5_000, 'wait=5'],
    ['wait=0', 0, 'wait=0'],
    ['wait=61', 60_000, 'wait=60'],
    [`wait=${'9'.repeat(400)}`, 60_000, 'wait=60'],
    ['wait=5, wait=1', 5_000, 'wait=5'],
    ['wait=soon, wait=1', 1_000, 'wait=1'],
    ['respond-async', 0, 'respond-async'],
    ['respond-async=""', 0, 'respond-async'],
    ['wait=5, Respond-Async; x=y', 0, 'respond-async'],
    ['return=minimal;x=";", wait=5', 5_000, 'wait=5'],
  ])('%s', (header, waitMs, applied) => {
    expect(parsePrefer(header)).toEqual({ waitMs, applied })
  })

  test.each([
    undefined,
    '',
    ',;=,',
    'wait',
    'wait=',
    'wait=-1',
    'wait=1.5',
    'wait=1e1',
    'wait="5',
    'wait=5"',
    '"wait"=5',
    '"respond-async"',
    'respond-async=no',
    'x="a, respond-async, b"',
    String.raw`x="\", respond-async"`,
    'x="y, wait=5',
  ])('nothing is asked by %j', (header) => {
    expect(parsePrefer(header)).toEqual({ waitMs: undefined, applied: undefined })
  })
})
