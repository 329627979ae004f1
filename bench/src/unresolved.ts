import {
  CommandGateway,
  CommandHandler,
  defineApp,
  parseIdempotencyKey,
  parseTenant,
  systemClock,
  systemIds,
  type EventStore,
  type JsonObject,
} from '@holdfast/core'
import { app } from './servers/app.ts'
import { orderBody } from './systems/system.ts'

const nothing = (): void => undefined
const never = (): Promise<never> =>
  new Promise(() => {
    // A process that dies in the middle of it.
  })
/** Commands that are accepted at one time: as many share a transaction. */
const atOnce = 200

/**
 * Fills a store with commands that were accepted and have no outcome, as a process leaves them that dies: by the gateway and
 * the handler themselves, with a `handle` that does not end. Closes the store.
 */
export async function leaveUnresolved(store: EventStore, command: string, keys: number): Promise<void> {
  const stuck = defineApp({
    name: app.name,
    commands: app.commands.map((each) => (each.name === command ? { ...each, handle: never } : each)),
  })
  const deps = { store, clock: systemClock, ids: systemIds, clockSkewMs: 0 }
  const observer = { attemptFailed: nothing, decided: nothing }
  const handler = new CommandHandler({ ...deps, app: stuck, graceMs: 0, observer })
  const gateway = new CommandGateway({
    ...deps,
    ...{ transport: handler, maxInFlight: keys, durableTimeoutMs: 60_000, readFirst: false },
  })
  const definition = stuck.command(command)
  const tenant = parseTenant('default')
  if (definition === undefined || tenant === undefined) throw new Error(`the application has no "${command}"`)
  const input = JSON.parse(orderBody) as JsonObject
  const accept = async (number: number): Promise<void> => {
    const parsed = parseIdempotencyKey(`unresolved-${number}`)
    if (parsed.kind !== 'key') throw new Error('it is a key')
    const request = { command: definition, tenant, key: parsed.key, input, waitMs: 0, requestId: systemIds.uuid() }
    const answer = await gateway.submit(request)
    if (answer.kind !== 'pending')
      throw new Error(`it was answered ${answer.kind}`, { cause: 'cause' in answer ? answer.cause : undefined })
  }
  try {
    for (let from = 0; from < keys; from += atOnce)
      await Promise.all(Array.from({ length: Math.min(atOnce, keys - from) }, (_none, at) => accept(from + at)))
  } finally {
    await handler.close()
    await store.close()
  }
}
