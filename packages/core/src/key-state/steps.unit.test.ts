import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../json.ts'
import { withStep, type StepRecord } from './steps.ts'

type Event = readonly [StepRecord['status'], JsonObject]
const fold = (...events: readonly Event[]): readonly StepRecord[] =>
  events.reduce<readonly StepRecord[]>((steps, [status, data]) => withStep(steps, data, status), [])
const one = { step: 'one', index: 0 }
const two = { step: 'two', index: 1 }
const place = { stream: 'inventory-abc', after: 7 }

describe('the steps that a stream tells of', () => {
  test('stand in the order in which they were asked for', () => {
    expect(fold(['completed', { ...one, result: 1 }], ['started', two])).toEqual([
      { name: 'one', status: 'completed', result: 1 },
      { name: 'two', status: 'started' },
    ])
  })

  test('keep the place of the start, and the result of the end', () => {
    const started: Event = ['started', { ...one, place }]
    const completed: Event = ['completed', { ...one, result: { kind: 'done' } }]
    expect(fold(started)).toEqual([{ name: 'one', status: 'started', place }])
    expect(fold(started, completed)).toEqual([{ name: 'one', status: 'completed', result: { kind: 'done' }, place }])
    expect(fold(started, completed, ['undone', one])).toEqual([
      { name: 'one', status: 'undone', result: { kind: 'done' }, place },
    ])
  })

  test('a start that is repeated changes nothing', () => {
    expect(fold(['started', { ...one, place }], ['started', { ...one, place }])).toEqual(
      fold(['started', { ...one, place }]),
    )
  })

  test.each([0, false, '', null])('the result %j is a result', (result) => {
    expect(fold(['completed', { ...one, result }], ['undone', one])).toEqual([
      { name: 'one', status: 'undone', result },
    ])
  })

  test('no result is none: not even a member', () => {
    expect(fold(['completed', one])[0]).not.toHaveProperty('result')
  })

  test('property: each step is where it belongs, and the last event of it tells its status', () => {
    const status = fc.constantFrom<StepRecord['status']>('started', 'completed', 'undone')
    fc.assert(
      fc.property(fc.array(status, { maxLength: 20 }), fc.array(fc.tuple(fc.nat(30), status)), (begun, later) => {
        const events = [
          ...begun.map((each, index): Event => [each, { step: `s${index}`, index }]),
          ...later
            .filter(([index]) => index < begun.length)
            .map(([index, each]): Event => [each, { step: `s${index}`, index }]),
        ]
        const expected = begun.map((each, index) => {
          const last = later.findLast(([at]) => at === index)?.[1] ?? each
          return { name: `s${index}`, status: last }
        })
        expect(fold(...events)).toEqual(expected)
      }),
    )
  })
})
