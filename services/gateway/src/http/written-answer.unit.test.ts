import type { Answer, CommandId } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { writeAnswer } from './written-answer.ts'

const recorded = (status: number, body: string): Answer => ({
  ...{ kind: 'response', commandId: 'c' as CommandId, replayed: true, source: 'replayed', position: '' },
  ...{ expiresAtMs: 0, response: { status, headers: {}, body } },
})
const context = { requestId: 'r', sentKey: undefined, applied: undefined, ofAllAnswers: [] }

describe('a recorded response', () => {
  test('has its length in bytes', () => {
    const { headers, body, bytes } = writeAnswer(recorded(200, '"ü"'), context)
    expect([headers.at(-2), headers.at(-1), body, bytes]).toEqual(['content-length', '4', '"ü"', 4])
  })

  // Whoever reads the answer takes what stands behind its head for the next one.
  test.each([204, 304])('with the status %d is sent without its body, and without a length', (status) => {
    const { headers, body, bytes } = writeAnswer(recorded(status, '{"a":1}'), context)
    expect([body, bytes, headers.includes('content-length')]).toEqual(['', 0, false])
  })

  test('whose header HTTP cannot carry is not written', () => {
    const answer = recorded(200, '')
    const response = { status: 200, headers: { 'x-a': 'a\r\nx-b: c' }, body: '' }
    expect(() => writeAnswer({ ...answer, response } as Answer, context)).toThrow(TypeError)
  })
})
