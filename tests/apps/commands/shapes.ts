import { created, defineCommand, noContent, ok, type JsonValue } from '@holdfast/core'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'

/** Answers with its input: for what bodies may and may not be. */
export const echo = defineCommand({
  name: 'test.echo',
  route: { method: 'POST', path: '/test/echo' },
  input: z.looseObject({}),
  handle: (input, ctx) => ({ type: 'Echoed', data: { id: ctx.id, input: input as JsonValue } }) as const,
  respond: ({ data }) => created(data),
})

/** Three events, of which the answer uses all. */
export const several = defineCommand({
  name: 'test.several',
  route: { method: 'POST', path: '/test/several' },
  input: z.strictObject({ labels: z.array(z.string()).min(1) }),
  handle: ({ labels }) => labels.map((label, at) => ({ type: 'LabelAdded', data: { at, label } }) as const),
  respond: (last, events) => created({ count: events.length, last: last.data.label }),
})

/** Declares headers of its own. */
export const declaring = defineCommand({
  name: 'test.declaring',
  route: { method: 'POST', path: '/test/declaring' },
  input: z.strictObject({ label: z.string() }),
  handle: ({ label }, ctx) => ({ type: 'Declared', data: { id: ctx.id, label } }) as const,
  respond: ({ data }) =>
    ok(data, {
      ETag: `"${data.id}"`,
      'Cache-Control': 'private, max-age=60',
      'X-Label': data.label,
      Vary: 'Accept-Language',
    }),
})

/** Answers 204. */
export const empty = defineCommand({
  name: 'test.empty',
  route: { method: 'POST', path: '/test/empty' },
  successStatus: 204,
  input: z.strictObject({ label: z.string() }),
  handle: ({ label }) => ({ type: 'Emptied', data: { label } }) as const,
  respond: () => noContent(),
})

/** Answers with so many bytes: for connections that break while the answer is read. */
export const large = defineCommand({
  name: 'test.large',
  route: { method: 'POST', path: '/test/large' },
  input: z.strictObject({ bytes: z.int().min(1).max(16_000_000) }),
  handle: ({ bytes }, ctx) => ({ type: 'LargeDone', data: { id: ctx.id, bytes } }) as const,
  respond: ({ data }) => created({ id: data.id, filler: 'ö'.repeat(data.bytes / 2) }),
})

/** Only the amount makes two requests the same. */
export const noted = defineCommand({
  name: 'test.noted',
  route: { method: 'POST', path: '/test/noted' },
  input: z.strictObject({ amount: z.int(), note: z.string() }),
  fingerprint: ({ amount }) => ({ amount }),
  handle: ({ amount, note }, ctx) => ({ type: 'Noted', data: { id: ctx.id, amount, note } }) as const,
  respond: ({ data }) => created(data),
})

/** A document under the caller's own name: another text is its next generation. */
export const putDocument = defineCommand({
  name: 'test.put-document',
  route: { method: 'PUT', path: '/test/documents/{name}' },
  identity: 'uri',
  supersedes: true,
  input: z.strictObject({ name: z.string().min(1), text: z.string(), ms: z.int().min(0).max(10_000).default(0) }),
  async handle({ name, text, ms }, ctx) {
    await pause(ms, undefined, { signal: ctx.signal })
    return { type: 'DocumentPut', data: { version: ctx.id, name, text } } as const
  },
  respond: ({ data }) => ok(data),
})
