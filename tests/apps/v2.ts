import { defineApp, defineCommand, ok } from '@holdfast/core'
import { z } from 'zod'

const addNote = defineCommand({
  name: 'note.add',
  route: { method: 'POST', path: '/notes' },
  input: z.strictObject({ text: z.string() }),
  handle: ({ text }, ctx) => ({ type: 'NoteAdded', data: { id: ctx.id, text: text.toUpperCase() } }) as const,
  respond: ({ data }) => ok({ note: { version: 2, id: data.id, words: data.text } }, { 'X-Rendered-By': 'v2' }),
})

/** The next release of the application in `v1.ts`: the same command, decided and rendered in another way. */
export const app = defineApp({ name: 'notes', commands: [addNote] })
