import { created, defineCommand } from '@holdfast/core'
import { z } from 'zod'

/** Short enough to be waited out, long enough for a retry before it. */
export const shortRetentionMs = 2_000

const input = z.strictObject({ label: z.string() })

/** Its key can be used anew after two seconds. */
export const shortLived = defineCommand({
  name: 'test.short-lived',
  route: { method: 'POST', path: '/test/short-lived' },
  retentionMs: shortRetentionMs,
  input,
  handle: ({ label }, ctx) => ({ type: 'ShortLivedDone', data: { id: ctx.id, label } }) as const,
  respond: ({ data }) => created(data),
})

/** Its key is gone after two seconds. */
export const gone = defineCommand({
  name: 'test.gone',
  route: { method: 'POST', path: '/test/gone' },
  retentionMs: shortRetentionMs,
  expired: 'gone',
  input,
  handle: ({ label }, ctx) => ({ type: 'GoneDone', data: { id: ctx.id, label } }) as const,
  respond: ({ data }) => created(data),
})
