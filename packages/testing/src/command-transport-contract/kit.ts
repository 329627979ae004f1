import { fingerprintOf, parseIdempotencyKey, parseTenant } from '@holdfast/core'
import type { CommandEnvelope, Resolution } from '@holdfast/core'

const parsedTenant = parseTenant('contract')
if (parsedTenant === undefined) throw new Error('the contract suite has an invalid tenant')
const tenant = parsedTenant

/** A new attempt under a key, of a key that no other test uses unless it is told. */
export function attempt(key: string = crypto.randomUUID(), input: CommandEnvelope['input'] = {}): CommandEnvelope {
  const parsed = parseIdempotencyKey(key)
  if (parsed.kind !== 'key') throw new Error(`the contract suite has an invalid key: ${key}`)
  return {
    v: 1,
    command: 'contract.command',
    tenant,
    key: parsed.key,
    fingerprint: fingerprintOf('contract.command', input),
    attemptId: crypto.randomUUID(),
    requestId: crypto.randomUUID(),
    receivedAtMs: 1_700_000_000_000,
    seed: 7,
    input,
  }
}

/** What a handler would make of it: the same for every attempt under the key. */
export function outcomeOf({ key, attemptId }: CommandEnvelope, executed = attemptId): Resolution {
  const body = JSON.stringify({ key, note: 'ünïcode, "quotes" and \u2028' })
  return {
    kind: 'outcome',
    outcome: 'succeeded',
    response: { status: 201, headers: { 'content-type': 'application/json' }, body },
    generation: 1,
    attemptId: executed,
    completedAtMs: 1_700_000_000_500,
    expiresAtMs: 1_700_086_400_500,
    position: '9007199254740993',
  }
}

/** The promise's result, or an error that names what was waited for. Bounded, so that a hang is a failure with a name. */
export async function within<T>(what: string, promise: Promise<T>, ms = 20_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
