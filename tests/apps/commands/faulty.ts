import { created, defineCommand } from '@holdfast/core'
import { z } from 'zod'

/** What a fault says: for the log, never for a caller. */
export const internalDetail = 'connection to 10.1.2.3 refused for user ledger-writer'

const retry = { attempts: 2, initialDelayMs: 1, maxDelayMs: 5 } as const

/** Throws at each try. */
export const failing = defineCommand({
  name: 'test.failing',
  route: { method: 'POST', path: '/test/failing' },
  input: z.strictObject({ label: z.string() }),
  retry,
  handle(): { readonly type: 'NeverDone'; readonly data: Record<string, never> } {
    throw new Error(internalDetail)
  },
  respond: () => created({}),
})

const tried = new Map<string, string>()

/** Throws at the first try of each generation, and says at the second which ids the two had. */
export const throwingOnce = defineCommand({
  name: 'test.throwing-once',
  route: { method: 'POST', path: '/test/throwing-once' },
  input: z.strictObject({ label: z.string() }),
  retry,
  handle({ label }, ctx) {
    const facts = JSON.stringify([ctx.id, ctx.now().toISOString(), ctx.random()])
    const first = tried.get(ctx.id)
    tried.set(ctx.id, facts)
    if (first === undefined) throw new Error(internalDetail)
    return { type: 'DoneAtLast', data: { id: ctx.id, label, first_try: first, second_try: facts } } as const
  },
  respond: ({ data }) => created(data),
})

/** Decides well, and cannot render its answer: the event must not stand without it. */
export const unrenderable = defineCommand({
  name: 'test.unrenderable',
  route: { method: 'POST', path: '/test/unrenderable' },
  input: z.strictObject({ label: z.string() }),
  retry,
  handle: ({ label }) => ({ type: 'DoneButUnanswerable', data: { label } }) as const,
  respond: () => created({}, { 'set-cookie': 'a=b' }),
})

/** Refuses with a code that it has not declared: a fault of the command, not an answer. */
export const undeclared = defineCommand({
  name: 'test.undeclared-refusal',
  route: { method: 'POST', path: '/test/undeclared-refusal' },
  input: z.strictObject({}),
  retry: { ...retry, attempts: 1 },
  refusals: {
    'out-of-paper': { status: 409, title: 'Out of paper', meaning: 'The tray is empty.', action: 'Fill it.' },
  },
  handle: (_input, ctx) => ctx.refuse('out-of-ink' as 'out-of-paper', 'There is no ink.'),
  respond: () => created({}),
})
