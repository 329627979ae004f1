import type { HttpResponse } from '@holdfast/testing/http'

/** A request under a key, as its client keeps it for its retries. */
export interface Intent {
  readonly key: string
  readonly path: string
  readonly json: Readonly<Record<string, unknown>>
  readonly prefer?: string
}

/** One attempt, as its client saw it. */
export interface Observation {
  /** Origin of the gateway. */
  readonly gateway: string
  /** Places in the order in which things happened, over all clients: an attempt's beginning and its end. */
  readonly sentAt: number
  readonly endedAt: number
  /** The answer, or why there is none. */
  readonly result: { readonly kind: 'answer'; readonly response: HttpResponse } | BrokenConnection
}

export interface BrokenConnection {
  readonly kind: 'broken'
  /** `ECONNREFUSED`, `ECONNRESET`, … */
  readonly code: string
}

/** Everything that clients saw of one key. */
export interface KeyHistory {
  readonly intent: Intent
  readonly observations: readonly Observation[]
}

/** Everything that clients saw. */
export interface History {
  /** Begins an attempt; the returned function ends it. */
  begin(intent: Intent, gateway: string): (result: Observation['result']) => void
  keys(): readonly KeyHistory[]
  /** The present place in the order of things. */
  now(): number
  /** Keys whose outcome was told. */
  readonly resolved: number
  /** Attempts that ended so: a status, or `broken`. */
  count(outcome: number | 'broken'): number
}

/** True for an answer that carries an outcome: a success, a refusal, a definite failure. */
export const isRecorded = ({ headers }: HttpResponse): boolean => headers['idempotency-expires'] !== undefined

export function createHistory(): History {
  const keys = new Map<string, { readonly intent: Intent; readonly observations: Observation[] }>()
  const counts = new Map<number | 'broken', number>()
  const resolved = new Set<string>()
  let clock = 0
  return {
    begin(intent, gateway) {
      const sentAt = clock++
      const history = keys.get(intent.key) ?? { intent, observations: [] }
      keys.set(intent.key, history)
      return (result) => {
        history.observations.push({ gateway, sentAt, endedAt: clock++, result })
        const outcome = result.kind === 'answer' ? result.response.status : 'broken'
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
        if (result.kind === 'answer' && isRecorded(result.response)) resolved.add(intent.key)
      }
    },
    keys: () => [...keys.values()],
    now: () => clock,
    get resolved() {
      return resolved.size
    },
    count: (outcome) => counts.get(outcome) ?? 0,
  }
}
