import { randomUUID } from 'node:crypto'
import type { VerifyReport } from '@holdfast/audit'
import type { KeyTimeline } from '@holdfast/cli'
import { CommandGateway, CommandHandler, systemClock, systemIds } from '@holdfast/core'
import type { EventStore, IdempotencyKey, Tenant } from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { startTemporaryStandIn } from '@holdfast/testing/eventstore-stand-in'
import { temporaryFolder } from '@holdfast/testing/processes'
import { expect, it } from 'vitest'
import { fileURLToPath } from 'node:url'
import { holdfast, jsonOf } from './holdfast.ts'
import { app } from './sales-app.ts'

/** What a handler would have written. */
async function sell(store: EventStore, keys: readonly string[]): Promise<void> {
  const deps = { app, store, clock: systemClock, ids: systemIds, clockSkewMs: 0 }
  const handler = new CommandHandler({ ...deps, graceMs: 0, observer: {} })
  const gateway = new CommandGateway({
    ...deps,
    transport: handler,
    maxInFlight: 100,
    durableTimeoutMs: 5_000,
    readFirst: false,
  })
  for (const key of keys) {
    const command = app.command('sale.make')
    if (command === undefined) throw new Error('the application has no such command')
    const request = { command, tenant: 'default' as Tenant, key: key as IdempotencyKey, waitMs: 20_000 }
    await gateway.submit({ ...request, input: { product: 'p', quantity: 1 }, requestId: randomUUID() })
  }
  await handler.close()
}

it('keys, seals, proofs and verification read EventStoreDB as they read SQLite', async () => {
  await using standIn = await startTemporaryStandIn()
  await using folder = await temporaryFolder()
  const { url } = standIn.current
  const store = createEventStoreDbEventStore({ connectionString: url })
  await sell(store, ['one', 'two', 'three'])
  const env = {
    HOLDFAST_EVENTSTORE_URL: url,
    HOLDFAST_APP: fileURLToPath(new URL('./sales-app.ts', import.meta.url)),
  }
  const run = (...args: readonly string[]) => holdfast(args, { env, cwd: folder.path })
  const timeline = jsonOf<KeyTimeline>(await run('keys', 'show', 'two', '--json'))
  expect(timeline).toMatchObject({ state: 'resolved', generations: [{ state: 'succeeded' }] })
  await run('audit', 'keygen', '--out', 'keys')
  const seal = () => run('audit', 'seal', '--private-key', 'keys/private.pem', '--json')
  expect(jsonOf(await seal())).toMatchObject({ kind: 'sealed', added: 3 })
  await sell(store, ['four'])
  const verify = () => run('audit', 'verify', '--json', '--public-key', 'keys/public.pem')
  const verified = jsonOf<VerifyReport>(await verify())
  expect(verified).toMatchObject({
    sound: true,
    findings: [],
    counts: { generations: 4, responsesProjected: 4 },
    seal: { whole: true, sealedEvents: 3, unsealedEvents: 1 },
  })
  expect(jsonOf(await seal())).toMatchObject({ kind: 'sealed', added: 1 })
  expect(jsonOf<VerifyReport>(await verify()).seal).toMatchObject({ whole: true, sealedEvents: 4 })
  expect((await run('audit', 'prove', 'four', '--out', 'proof.json')).code).toBe(0)
  expect((await run('audit', 'check', 'proof.json', '--public-key', 'keys/public.pem')).code).toBe(0)
  await store.close()
})
