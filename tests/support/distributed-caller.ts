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
  /**
   * Attempt after attempt until the command is acknowledged, by 202 or its outcome; then it is never asked for again.
   *
   * @throws Error when it is not after two minutes
   */
  entrust(intent: Intent): Promise<void>
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
  const until = async (intent: Intent, isEnough: (response: HttpResponse) => boolean): Promise<HttpResponse> => {
    const deadline = performance.now() + patienceMs
    let last: HttpResponse | undefined
    while (performance.now() < deadline) {
      const response = await attempt(intent)
      if (response !== undefined && isEnough(response)) return response
      last = response ?? last
      await pause(againAfterMs)
    }
    throw new Error(`${intent.key} gets nowhere; the last answer: ${last?.status ?? 'none'} ${last?.body ?? ''}`)
  }
  return {
    attempt,
    persist: (intent) => until(intent, isRecorded),
    async entrust(intent) {
      await until({ ...intent, prefer: 'respond-async' }, (response) => response.status === 202 || isRecorded(response))
    },
  }
}

export interface Load {
  /** Keys that their clients are done with. */
  readonly done: number
  /** Starts no more keys, and waits until clients are done with all that were started. */
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
 * Clients that bring one key after another to its outcome, whatever it takes. One in five keys gets three attempts at a
 * time; one in five is left alone as soon as it is acknowledged.
 */
export function startLoad({ caller, random, intent, clients = 12 }: LoadOptions): Load {
  let stopping = false
  let done = 0
  const client = async (): Promise<void> => {
    while (!stopping) {
      const next = intent(random)
      const chance = random()
      if (chance < 0.2) await Promise.all(Array.from({ length: 3 }, () => caller.persist(next)))
      else if (chance < 0.4) await caller.entrust(next)
      else await caller.persist(next)
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
