import {
  CommandGateway,
  CommandHandler,
  parseIdempotencyKey,
  parseTenant,
  systemClock,
  systemIds,
  type Command,
  type JsonObject,
} from '@holdfast/core'
import { createSqliteEventStore } from '@holdfast/event-store-sqlite'
import { app } from './servers/app.ts'
import { orderBody } from './systems/system.ts'

const nothing = (): void => undefined
/** Commands under way at one time: as many share a transaction. */
const atOnce = 4_000

/**
 * Fills a store with this many keys, numbered from 1, each with the stream that a request would have left: by the gateway
 * and the handler themselves, only without HTTP. wrk finds them again as `<prefix>-0-<number>`.
 *
 * @throws Error when a command is not answered as it should be
 */
export async function seedStore(dataDir: string, prefix: string, keys: number): Promise<void> {
  const store = await createSqliteEventStore({ dataDir })
  const handler = new CommandHandler({
    app,
    store,
    clock: systemClock,
    ids: systemIds,
    clockSkewMs: 0,
    graceMs: 0,
    observer: { attemptFailed: nothing, decided: nothing },
  })
  const gateway = new CommandGateway({
    transport: handler,
    store,
    clock: systemClock,
    ids: systemIds,
    clockSkewMs: 0,
    maxInFlight: atOnce,
    durableTimeoutMs: 60_000,
    readFirst: false,
  })
  const place = orderOf(gateway)
  let next = 1
  const work = async (): Promise<void> => {
    while (next <= keys) await place(`${prefix}-0-${next++}`)
  }
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, keys) }, work))
  } finally {
    await handler.close()
    await store.close()
  }
}

function orderOf(gateway: CommandGateway): (key: string) => Promise<void> {
  const command: Command | undefined = app.commands.find(({ name }) => name === 'order.place')
  const tenant = parseTenant('default')
  if (command === undefined || tenant === undefined) throw new Error('the application has no order to seed with')
  const input = JSON.parse(orderBody) as JsonObject
  return async (text) => {
    const parsed = parseIdempotencyKey(text)
    if (parsed.kind !== 'key') throw new Error(`"${text}" is no key`)
    const request = { command, tenant, key: parsed.key, input, waitMs: 60_000, requestId: systemIds.uuid() }
    const answer = await gateway.submit(request)
    if (answer.kind !== 'response') throw new Error(`a seed was answered ${answer.kind}`)
  }
}
