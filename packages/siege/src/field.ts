import { Agent as PlainAgent } from 'node:http'
import { Agent as SecureAgent } from 'node:https'
import type { LookupFunction, Socket } from 'node:net'
import type { Answer, Attempt, Outcome } from './attempt.ts'
import { createIntent, otherBodyOf, wireRequest, type Intent, type Variation } from './intent.ts'
import type { Journal } from './journal.ts'
import { fingerprintOf, isPending, type Reading } from './judge.ts'
import type { Plan } from './options.ts'
import { createRandom } from './random.ts'
import type { Target } from './target.ts'
import { openConnection } from './transport/connection.ts'
import { cutAfterSend, cutDuringAnswer } from './transport/cut.ts'
import { codeOf, exchange } from './transport/exchange.ts'
import { requestBytes } from './transport/wire-request.ts'

/** What scenarios act with. Every method that sends may throw `Stopped`. */
export interface Field {
  readonly plan: Plan
  readonly reading: Reading
  readonly random: () => number
  /** Two requests get two different answers. Where they do not, only a ledger can tell one effect from two. */
  readonly tellsApart: boolean
  /** A plain request has had a success: who then listens no more has gone. */
  readonly found: boolean
  now(): number
  pause(ms: number): Promise<void>
  /** A new request with a key that nobody has used. */
  intent(body?: string): Intent
  /** A template's body for that request. */
  bodyFor(intent: Intent, template: string): string
  /** One attempt, over a shared connection. */
  send(intent: Intent, variation?: Variation): Promise<Attempt>
  /**
   * Attempts at once: one connection each, opened beforehand, then all written in one go. The variation may differ
   * by number.
   */
  volley(intent: Intent, count: number, variation?: (at: number) => Variation): Promise<readonly Attempt[]>
  /** One attempt that is cut off right behind its last byte. */
  cutAfterSend(intent: Intent, variation?: Variation): Promise<Attempt>
  /** One attempt that is cut off at the first bytes of the answer. */
  cutDuringAnswer(intent: Intent): Promise<Attempt>
  /**
   * Retries until the answer is no "not yet" any more, for as long as the plan allows, and returns all attempts. The last one is the key's
   * answer, or whatever it gave in the end. Ends the siege when nobody listens any more.
   */
  settle(intent: Intent, variation?: Variation): Promise<readonly Attempt[]>
  /** Closes the shared connections, so that the next attempt opens a new one. */
  disconnect(): void
}

/** A promise that somebody will await later: until then its failure is nobody's fault. */
export function background<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

export interface FieldParts {
  readonly plan: Plan
  readonly target: Target
  readonly journal: Journal
}

/** The field, with what the first plain requests find out. */
export type OpenField = Omit<Field, 'tellsApart' | 'found'> & { tellsApart: boolean; found: boolean }

export function createField({ plan, target, journal }: FieldParts): OpenField {
  const reading: Reading = { ignore: plan.ignore, acceptedIsFinal: plan.acceptedIsFinal }
  const { timeoutMs, insecure } = plan
  const { signal } = journal
  const lookup: LookupFunction = (_hostname, options, callback) => {
    const family = target.address.includes(':') ? 6 : 4
    if (options.all === true) callback(null, [{ address: target.address, family }])
    else callback(null, target.address, family)
  }
  const newAgent = () =>
    target.secure
      ? new SecureAgent({ keepAlive: true, lookup, rejectUnauthorized: !insecure })
      : new PlainAgent({ keepAlive: true, lookup })
  let agent = newAgent()
  let intents = 0

  const connect = (): Promise<Socket> => openConnection(target, { insecure, timeoutMs, signal })

  /** One attempt on a connection of its own. A connection that does not come about is an outcome too. */
  const onOwnConnection = (act: (socket: Socket) => Promise<Outcome>): Promise<Attempt> =>
    journal.attempt(async () => {
      try {
        return await act(await connect())
      } catch (error) {
        return { kind: 'failed', code: codeOf(error) }
      }
    })

  function note(attempt: Attempt): Attempt {
    if (attempt.outcome.kind === 'answered') journal.sawAnswer(fingerprintOf(attempt.outcome.answer, plan.ignore))
    return attempt
  }

  const send: Field['send'] = async (intent, variation) =>
    note(
      await journal.attempt(() =>
        exchange(wireRequest(intent, plan, variation), { target, over: agent, timeoutMs, signal }),
      ),
    )

  const field: OpenField = {
    plan,
    reading,
    random: createRandom(plan.seed),
    tellsApart: true,
    found: false,
    now: () => journal.now(),
    pause: (ms) => journal.pause(ms),
    intent: (body) => createIntent(plan, ++intents, body),
    bodyFor: (intent, template) => otherBodyOf(intent, template, ++intents),
    send,

    async volley(intent, count, variation = () => ({})) {
      const sockets = await Promise.allSettled(Array.from({ length: count }, connect))
      // When the siege stops in between, some of them have no attempt that would close them.
      const close = (): void => {
        for (const socket of sockets) if (socket.status === 'fulfilled') socket.value.destroy()
      }
      return Promise.all(
        sockets.map(async (socket, at) =>
          note(
            await journal.attempt(async () =>
              socket.status === 'rejected'
                ? { kind: 'failed', code: codeOf(socket.reason) }
                : exchange(wireRequest(intent, plan, variation(at)), { target, over: socket.value, timeoutMs, signal }),
            ),
          ),
        ),
      ).finally(close)
    },

    cutAfterSend: (intent, variation) =>
      onOwnConnection((socket) =>
        cutAfterSend(socket, requestBytes(wireRequest(intent, plan, variation), target.host)),
      ),

    cutDuringAnswer: (intent) =>
      onOwnConnection((socket) =>
        cutDuringAnswer(socket, requestBytes(wireRequest(intent, plan), target.host), { timeoutMs, signal }),
      ),

    async settle(intent, variation) {
      const attempts: Attempt[] = []
      const giveUpAt = journal.now() + plan.settleMs
      for (let pauseMs = 20; ; pauseMs = Math.min(500, pauseMs * 1.5)) {
        const attempt = await send(intent, variation)
        attempts.push(attempt)
        const { outcome } = attempt
        const settled = outcome.kind === 'answered' && !isPending(outcome.answer, reading)
        if (settled) return attempts
        if (journal.now() > giveUpAt) {
          if (field.found && isRefused(outcome)) journal.stop('gone')
          return attempts
        }
        await journal.pause(pauseMs)
      }
    },

    disconnect() {
      agent.destroy()
      agent = newAgent()
    },
  }
  return field
}

const isRefused = (outcome: Outcome): boolean => outcome.kind === 'failed' && outcome.code === 'ECONNREFUSED'

/** The answer of the last attempt; undefined when that had none. */
export function lastAnswer(attempts: readonly Attempt[]): Answer | undefined {
  const outcome = attempts.at(-1)?.outcome
  return outcome?.kind === 'answered' ? outcome.answer : undefined
}
