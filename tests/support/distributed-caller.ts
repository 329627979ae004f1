import { setTimeout as pause } from 'node:timers/promises'
import { send, type HttpResponse } from '@holdfast/testing/http'
import { isRecorded, type History, type Intent } from './distributed-history.ts'

export interface CallerOptions {
  /** Origins of the gateways. */
  readonly urls: readonly string[]
  /** Where everything that is seen is noted. */
  readonly history: History
}

/** A client that never gives up. */
export interface Caller {
  /** One attempt, at the next gateway; undefined when the connection broke. */
  attempt(intent: Intent): Promise<HttpResponse | undefined>
  /**
   * Attempt after attempt, each at the next gateway, until there is the outcome.
   *
   * @throws Error when there is none after two minutes: a dead key
   */
  persist(intent: Intent): Promise<HttpResponse>
}

/** Far below any `Retry-After`: it is a rogue. */
const againAfterMs = 60
const patienceMs = 120_000

export function createCaller({ urls, history }: CallerOptions): Caller {
  let turn = 0
  const attempt: Caller['attempt'] = async (intent) => {
    const gateway = urls[turn++ % urls.length] ?? ''
    const { key, path, json, prefer } = intent
    const end = history.begin(intent, gateway)
    const headers = { 'content-type': 'application/json', 'idempotency-key': key, ...(prefer && { prefer }) }
    try {
      const response = await send({ url: gateway, method: 'POST', path, headers, body: JSON.stringify(json) })
      end({ kind: 'answer', response })
      return response
    } catch (error) {
      end({ kind: 'broken', code: (error as NodeJS.ErrnoException).code ?? String(error) })
      return undefined
    }
  }
  return {
    attempt,
    async persist(intent) {
      const deadline = performance.now() + patienceMs
      let last: HttpResponse | undefined
      while (performance.now() < deadline) {
        const response = await attempt(intent)
        if (response !== undefined && isRecorded(response)) return response
        last = response ?? last
        await pause(againAfterMs)
      }
      throw new Error(`${intent.key} has no outcome; the last answer: ${last?.status ?? 'none'} ${last?.body ?? ''}`)
    },
  }
}

export interface Load {
  /** Keys that have their outcome. */
  readonly done: number
  /** Starts no more keys, and waits until all that were started have their outcome. */
  stop(): Promise<void>
}

export interface LoadOptions {
  readonly caller: Caller
  readonly random: () => number
  readonly intent: (random: () => number) => Intent
  /** Clients at one time. Default 12. */
  readonly clients?: number
}

/**
 * Clients that bring one key after another to its outcome, whatever it takes; every fifth key with three attempts at a
 * time.
 */
export function startLoad({ caller, random, intent, clients = 12 }: LoadOptions): Load {
  let stopping = false
  let done = 0
  const client = async (): Promise<void> => {
    while (!stopping) {
      const next = intent(random)
      const together = random() < 0.2 ? 3 : 1
      await Promise.all(Array.from({ length: together }, () => caller.persist(next)))
      done++
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  // It is awaited in `stop`; a client that fails before must not end the process.
  all.catch(() => undefined)
  return {
    get done() {
      return done
    },
    async stop() {
      stopping = true
      await all
    },
  }
}
