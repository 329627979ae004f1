import { created, defineApp, defineCommand } from '@holdfast/core'
import { z } from 'zod'

const addNote = defineCommand({
  name: 'note.add',
  route: { method: 'POST', path: '/notes' },
  input: z.strictObject({ text: z.string() }),
  handle: ({ text }, ctx) => ({ type: 'NoteAdded', data: { id: ctx.id, text } }) as const,
  respond: ({ data }) => created({ id: data.id, text: data.text, status: 'stored' }, { 'X-Rendered-By': 'v1' }),
})

/** The first release of an application. */
export const app = defineApp({ name: 'notes', commands: [addNote] })
