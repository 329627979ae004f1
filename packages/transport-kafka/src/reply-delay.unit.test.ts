import { expect, test } from 'vitest'
import { createReplyDelay } from './reply-delay.ts'

test('nothing is known before the first reply', () => {
  expect(createReplyDelay().lateAfterMs()).toBe(0)
})

test('the first reply counts for three times itself, as in RFC 6298, and twice that is late', () => {
  const delay = createReplyDelay()
  delay.note(100)
  expect(delay.lateAfterMs()).toBe(600)
})

test('steady replies narrow it down, and slower ones widen it at once', () => {
  const delay = createReplyDelay()
  for (let reply = 0; reply < 100; reply++) delay.note(100)
  expect(delay.lateAfterMs()).toBeCloseTo(200, 3)
  delay.note(500)
  expect(delay.lateAfterMs()).toBeCloseTo(2 * (150 + 4 * 100), 3)
})
