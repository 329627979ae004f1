import { created, defineApp, defineCommand } from '@holdfast/core'
import { z } from 'zod'

/** A command that is done at once, and whose tries are short, so that a lease may be. */
export const note = defineCommand({
  name: 'note.take',
  route: { method: 'POST', path: '/notes' },
  input: z.strictObject({ text: z.string() }),
  retry: { timeoutMs: 500 },
  async handle({ text }, ctx) {
    await ctx.step('look', () => text.length)
    return { type: 'NoteTaken', data: { text } } as const
  },
  respond: ({ data }) => created(data),
})

/** A command that fails for good at its first try. */
export const lostNote = defineCommand({
  name: 'note.lose',
  route: { method: 'POST', path: '/lost-notes' },
  input: note.input,
  retry: { timeoutMs: 500, attempts: 1 },
  handle: () => Promise.reject(new Error('it is lost')),
  respond: ({ data }) => created(data),
})

export const app = defineApp({ name: 'lease', commands: [note, lostNote] })
