import { hash } from 'node:crypto'

declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Whose keys they are. Key scope is (tenant, key). 1 to 64 of `A-Z a-z 0-9 . _ -`. */
export type Tenant = Brand<string, 'Tenant'>
/** An idempotency key after unquoting, or `<METHOD> <path>` for commands that the URI identifies. */
export type IdempotencyKey = Brand<string, 'IdempotencyKey'>
/** SHA-256 of (tenant, key), 64 lower-case hex digits; public. */
export type CommandId = Brand<string, 'CommandId'>
/** `command-<commandId>`. */
export type StreamName = Brand<string, 'StreamName'>
/** SHA-256 of the canonical request, 64 lower-case hex digits. */
export type Fingerprint = Brand<string, 'Fingerprint'>

/** What every key's stream name starts with: the category, for subscriptions. */
export const commandStreamPrefix = 'command-'

const tenantPattern = /^[A-Za-z0-9._-]{1,64}$/
const commandIdPattern = /^[0-9a-f]{64}$/

/** Validates a tenant name; undefined when it is not one. */
export function parseTenant(text: string): Tenant | undefined {
  return tenantPattern.test(text) ? (text as Tenant) : undefined
}

/** Validates a command id; undefined when it is not one. */
export function parseCommandId(text: string): CommandId | undefined {
  return commandIdPattern.test(text) ? (text as CommandId) : undefined
}

/** A request asks for its id several times in one turn of the event loop. */
let lastAsked = { scope: '', id: '' as CommandId }

/**
 * The key's command id. NUL separates the parts: neither a tenant nor a key can contain it, so no two pairs collide.
 */
export function commandIdOf(tenant: Tenant, key: IdempotencyKey): CommandId {
  const scope = `${tenant}\0${key}`
  if (scope !== lastAsked.scope) lastAsked = { scope, id: hash('sha256', scope, 'hex') as CommandId }
  return lastAsked.id
}

export function streamOf(commandId: CommandId): StreamName {
  return `${commandStreamPrefix}${commandId}` as StreamName
}

/** The command id in a key's stream name; undefined for other streams. */
export function commandIdOfStream(stream: string): CommandId | undefined {
  return stream.startsWith(commandStreamPrefix) ? parseCommandId(stream.slice(commandStreamPrefix.length)) : undefined
}
