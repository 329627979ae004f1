import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  CommandGateway,
  CommandHandler,
  created,
  defineApp,
  defineCommand,
  systemClock,
  systemIds,
} from '@holdfast/core'
import type { App, IdempotencyKey, Tenant } from '@holdfast/core'
import { createSqliteEventStore, type SqliteEventStore } from '@holdfast/event-store-sqlite'
import { temporaryFolder } from '@holdfast/testing/processes'
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

/** Pure commands, refusals, failures, steps and several events: what a history can hold. */
export const sampleApp: App = defineApp({ name: 'sample', commands: [transfer, openAccount] })

export const sampleTenant = 'default' as Tenant

export interface SampleStore extends AsyncDisposable {
  readonly dataDir: string
  /** Sends a command and waits for its outcome. */
  send(command: string, key: string, input: object): Promise<void>
  readonly store: SqliteEventStore
  /** Closes the store, changes its file by hand, and leaves it closed. */
  tamper(statements: string): Promise<void>
  close(): Promise<void>
}

/** An event store on a temporary folder with a handler of the sample application. */
export async function createSampleStore(): Promise<SampleStore> {
  const folder = await temporaryFolder()
  const store = await createSqliteEventStore({ dataDir: folder.path })
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
  let open = true
  const close = async (): Promise<void> => {
    if (!open) return
    open = false
    await handler.close()
    await store.close()
  }
  return {
    dataDir: folder.path,
    store,
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
    tamper: async (statements) => {
      await close()
      const database = new DatabaseSync(join(folder.path, 'events.sqlite'))
      database.exec(statements)
      database.close()
    },
    close,
    async [Symbol.asyncDispose]() {
      await close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
