import { setTimeout as pause } from 'node:timers/promises'
import { created, defineCommand } from '@holdfast/core'
import { z } from 'zod'

const input = z.strictObject({ label: z.string(), ms: z.int().min(0).max(60_000) })

/** Takes its time: for attempts that arrive meanwhile, and for waits that end before it does. */
export const slow = defineCommand({
  name: 'test.slow',
  route: { method: 'POST', path: '/test/slow' },
  input,
  async handle({ label, ms }, ctx) {
    await pause(ms, undefined, { signal: ctx.signal })
    return { type: 'SlowDone', data: { id: ctx.id, label } } as const
  },
  respond: ({ data }) => created(data),
})

/** As `test.slow`, but a retry meanwhile gets 409. */
export const slowConflict = defineCommand({
  name: 'test.slow-conflict',
  route: { method: 'POST', path: '/test/slow-conflict' },
  concurrent: 'conflict',
  input,
  async handle({ label, ms }, ctx) {
    await pause(ms, undefined, { signal: ctx.signal })
    return { type: 'SlowDone', data: { id: ctx.id, label } } as const
  },
  respond: ({ data }) => created(data),
})

/** Never answers: the time for a try ends it, twice. */
export const hanging = defineCommand({
  name: 'test.hanging',
  route: { method: 'POST', path: '/test/hanging' },
  input: z.strictObject({}),
  retry: { attempts: 2, initialDelayMs: 1, maxDelayMs: 5, timeoutMs: 200 },
  handle: () =>
    new Promise<{ readonly type: 'NeverDone'; readonly data: Record<string, never> }>(() => {
      // Neither settles: that is the point.
    }),
  respond: () => created({}),
})
