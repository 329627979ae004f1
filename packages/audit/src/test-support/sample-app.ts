import { randomUUID } from 'node:crypto'
import {
  CommandGateway,
  CommandHandler,
  created,
  defineApp,
  defineCommand,
  sweepHistory,
  systemClock,
  systemIds,
} from '@holdfast/core'
import type { App, EventStore, IdempotencyKey, Tenant } from '@holdfast/core'
import { z } from 'zod'

const transfer = defineCommand({
  name: 'transfer.make',
  route: { method: 'POST', path: '/transfers' },
  input: z.strictObject({ amount: z.int().positive() }),
  refusals: {
    'limit-exceeded': {
      status: 409,
      title: 'Limit exceeded',
      meaning: 'At most 1,000 at a time.',
      action: 'Split it.',
    },
  },
  retentionMs: 0,
  retry: { attempts: 2, initialDelayMs: 1, maxDelayMs: 1 },
  handle({ amount }, ctx) {
    if (amount > 1_000) return ctx.refuse('limit-exceeded', `${amount} is too much.`, { limit: 1_000 })
    if (amount === 666) throw new Error('the ledger is closed')
    return { type: 'TransferMade', data: { transfer_id: ctx.id, amount } } as const
  },
  respond: ({ data }) => created(data, { 'x-amount': String(data.amount) }),
})

const openAccount = defineCommand({
  name: 'account.open',
  route: { method: 'POST', path: '/accounts' },
  input: z.strictObject({ owner: z.string() }),
  fingerprint: ({ owner }) => owner.toLowerCase(),
  async handle({ owner }, ctx) {
    const number = await ctx.step('number', () => `acc-${owner}`)
    const checked = await ctx.step('check', () => true)
    return [
      { type: 'AccountOpened', data: { number, owner } },
      { type: 'AccountChecked', data: { number, checked } },
    ] as const
  },
  respond: (_last, events) => created(events[0]?.data ?? {}),
})

const writeNote = defineCommand({
  name: 'note.write',
  route: { method: 'POST', path: '/notes' },
  input: z.strictObject({ text: z.string() }),
  retentionMs: 0,
  historyRetentionMs: 0,
  handle: ({ text }) => ({ type: 'NoteWritten', data: { text } }) as const,
  respond: ({ data }) => created(data),
})

/** Pure commands, refusals, failures, steps and several events, history that is not kept: what a history can hold. */
export const sampleApp: App = defineApp({ name: 'sample', commands: [transfer, openAccount, writeNote] })

export const sampleTenant = 'default' as Tenant

export interface SampleHandler {
  /** Sends a command and waits for its outcome. */
  readonly send: (command: string, key: string, input: object) => Promise<void>
  /** Removes the history of notes, all of which have expired. */
  readonly removeNotes: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Gateway and handler of the sample application on a store. */
export function createSampleHandler(store: EventStore): SampleHandler {
  const deps = { app: sampleApp, store, clock: systemClock, ids: systemIds, clockSkewMs: 0 }
  const handler = new CommandHandler({ ...deps, graceMs: 0, observer: {} })
  const gateway = new CommandGateway({
    ...deps,
    transport: handler,
    maxInFlight: 100,
    durableTimeoutMs: 5_000,
    readFirst: false,
    cacheBytes: 0,
  })
  return {
    send: async (name, key, input) => {
      const command = sampleApp.command(name)
      if (command === undefined) throw new Error(`the sample has no command ${name}`)
      await gateway.submit({
        command,
        tenant: sampleTenant,
        key: key as IdempotencyKey,
        input: input as never,
        requestId: randomUUID(),
        waitMs: 20_000,
      })
    },
    removeNotes: async () => {
      // Kept for no time at all, that is until the clock has moved.
      await systemClock.sleep(5)
      const checkpoints = { load: async () => undefined, save: async () => undefined }
      const { removed } = await sweepHistory({ ...deps, checkpoints, signal: new AbortController().signal })
      if (removed === 0) throw new Error('there was no note to remove')
    },
    close: () => handler.close(),
  }
}
