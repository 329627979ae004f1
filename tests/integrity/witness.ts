import type { Agent } from 'node:http'
import type { HttpResponse } from '@holdfast/testing/http'
import { expect } from 'vitest'
import type { Api } from '../support/api.ts'
import { expectReplay, untilResolved } from '../support/expectations.ts'

/** A request under a key, as its client keeps it for its retries. */
export interface Intent {
  readonly key: string
  readonly path: string
  readonly json: Readonly<Record<string, unknown>>
  readonly prefer?: string
}

export interface Attempt {
  readonly intent: Intent
  readonly agent?: Agent
}

/** Everything that clients were told, and what they were not told. */
export interface Witness {
  /** Answers that carry an outcome: 2xx, a refusal, a definite failure. By key: the first of them. */
  readonly outcomes: Map<string, { readonly intent: Intent; readonly response: HttpResponse }>
  /** 202: durable, and not finished. By key. */
  readonly accepted: Map<string, { readonly intent: Intent; readonly location: string }>
  /** No answer, or 503: nothing was acknowledged. By key. */
  readonly unanswered: Map<string, Intent>
  /** How often a connection failed, by the error's code. */
  readonly broken: Map<string, number>
  /** Answers that no promise allows. */
  readonly faults: string[]
}

export const createWitness = (): Witness => ({
  outcomes: new Map(),
  accepted: new Map(),
  unanswered: new Map(),
  broken: new Map(),
  faults: [],
})

/**
 * One attempt, and what became of it. Returns false when there is no use in coming again: the connection broke, or the
 * gateway says that it takes no more.
 */
export async function attempt(api: Api, witness: Witness, { intent, agent }: Attempt): Promise<boolean> {
  const { key, path, json, prefer } = intent
  try {
    const options = { ...(prefer !== undefined && { prefer }), ...(agent && { agent }) }
    const response = await api.post(path, { key, json, ...options })
    note(witness, intent, response)
    return response.status !== 503
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    witness.broken.set(code, (witness.broken.get(code) ?? 0) + 1)
    if (!witness.outcomes.has(key) && !witness.accepted.has(key)) witness.unanswered.set(key, intent)
    return false
  }
}

function note(witness: Witness, intent: Intent, response: HttpResponse): void {
  const { key } = intent
  if (response.status === 202) {
    witness.accepted.set(key, { intent, location: response.headers['location'] ?? '' })
    witness.unanswered.delete(key)
    return
  }
  if (response.headers['idempotency-expires'] !== undefined) {
    const before = witness.outcomes.get(key)
    if (before === undefined) witness.outcomes.set(key, { intent, response })
    else if (before.response.status !== response.status || !before.response.bytes.equals(response.bytes)) {
      witness.faults.push(`${key} was answered twice: ${before.response.body} / ${response.body}`)
    }
    witness.unanswered.delete(key)
    return
  }
  if (response.status === 503 && response.headers['retry-after'] !== undefined) {
    if (!witness.outcomes.has(key) && !witness.accepted.has(key)) witness.unanswered.set(key, intent)
    return
  }
  witness.faults.push(`${key} got ${response.status} ${response.body}`)
}

/**
 * Asserts, after whatever has happened to the processes: no acknowledged response is lost or changed, every accepted
 * command comes to its outcome by itself, and every other key resolves with a retry.
 */
export async function expectNothingLost(api: Api, witness: Witness): Promise<void> {
  expect(witness.faults).toEqual([])
  for (const { intent, location } of witness.accepted.values()) {
    // Looked up first: nobody retries it.
    const status = await untilResolved(api, location)
    const retry = await retryOf(api, intent)
    expect(retry.body).toBe(status.response?.body)
    const told = witness.outcomes.get(intent.key)
    if (told !== undefined) expectReplay(retry, told.response)
  }
  await inBatches([...witness.outcomes.values()], async ({ intent, response }) => {
    expectReplay(await retryOf(api, intent), response)
  })
  await inBatches([...witness.unanswered.values()], async (intent) => {
    const first = await retryOf(api, intent)
    expect(first.headers['idempotency-expires'], `${first.status} ${first.body}`).toBeDefined()
    expectReplay(await retryOf(api, intent), first)
    witness.outcomes.set(intent.key, { intent, response: first })
  })
}

const retryOf = (api: Api, { key, path, json }: Intent): Promise<HttpResponse> =>
  api.post(path, { key, json, prefer: 'wait=30' })

async function inBatches<T>(all: readonly T[], check: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += 50) await Promise.all(all.slice(at, at + 50).map(check))
}
