import { KeyTable, TransportError } from '@holdfast/core'
import type { CommandEnvelope, Dispatch, Resolution } from '@holdfast/core'
import { backoffMs } from './backoff.ts'
import type { Backoff } from './backoff.ts'
import type { KafkaLogger } from './logger.ts'
import type { Reply } from './messages.ts'
import type { KafkaTransportMetrics } from './metrics.ts'
import { createReplyDelay } from './reply-delay.ts'

export interface PendingAttemptsOptions {
  /** Reads the key's stream: what became of the attempt, or undefined while it is open. */
  readonly lookup: (envelope: CommandEnvelope) => Promise<Resolution | undefined>
  readonly lookupBackoff: Backoff
  readonly maxConcurrentLookups: number
  readonly publishTimeoutMs: number
  readonly maxPendingMs: number
  readonly logger: KafkaLogger
  readonly metrics: KafkaTransportMetrics
}

export interface PendingAttempt {
  readonly dispatch: Dispatch
  /** The command is in the log of all in-sync replicas. */
  readonly published: () => void
  /** Gives the attempt up, unless it is resolved. */
  readonly fail: (error: TransportError) => void
}

export interface PendingAttempts {
  /** `onGivenUp` is called when the attempt is failed, or its outcome found, before it was published. */
  add(envelope: CommandEnvelope, onGivenUp: () => void): PendingAttempt
  reply(reply: Reply): void
  readonly size: number
  /** Gives all up. */
  close(error: TransportError): void
}

interface Entry {
  readonly envelope: CommandEnvelope
  readonly startedAt: number
  readonly durable: PromiseWithResolvers<void>
  readonly resolution: PromiseWithResolvers<Resolution>
  readonly onGivenUp: () => void
  attempts: number
  isPublished: boolean
  lookups: number
  /** Time of the next look-up; Infinity while one runs. */
  lookupAt: number
}

const sweepMs = 25

/**
 * The attempts whose outcome this process waits for. One sweep over all of them, while there are any, serves the
 * deadlines and the look-ups: a timer for each would cost more than the look at each.
 */
export function createPendingAttempts(options: PendingAttemptsOptions): PendingAttempts {
  const { lookup, lookupBackoff, publishTimeoutMs, maxPendingMs, logger, metrics } = options
  const entries = new KeyTable<Entry, string>()
  const delay = createReplyDelay()
  let lookupsRunning = 0
  let sweeper: NodeJS.Timeout | undefined

  const settle = (entry: Entry, resolution: Resolution, by: 'reply' | 'look-up') => {
    if (!remove(entry)) return
    if (!entry.isPublished && by === 'look-up') entry.onGivenUp()
    // The outcome is durable before anybody tells of it.
    entry.durable.resolve()
    entry.resolution.resolve(resolution)
    const durationMs = performance.now() - entry.startedAt
    if (by === 'reply') delay.note(durationMs)
    metrics.resolved?.({ by, durationMs })
  }

  const fail = (entry: Entry, error: TransportError) => {
    if (!remove(entry)) return
    entry.durable.reject(error)
    entry.resolution.reject(error)
    if (!entry.isPublished) entry.onGivenUp()
    metrics.givenUp?.()
  }

  const remove = (entry: Entry): boolean => entries.delete(entry.envelope.attemptId)

  const markPublished = (entry: Entry) => {
    entry.isPublished = true
    entry.durable.resolve()
  }

  /** The first is due when the reply is late, as replies are at present. */
  const firstLookupMs = () => Math.max(backoffMs(1, lookupBackoff), Math.min(delay.lateAfterMs(), lookupBackoff.maxMs))

  const lookUp = async (entry: Entry) => {
    entry.lookups++
    entry.lookupAt = Infinity
    lookupsRunning++
    try {
      const resolution = await lookup(entry.envelope)
      if (resolution !== undefined) {
        settle(entry, resolution, 'look-up')
        return
      }
    } catch (error) {
      logger.debug({ err: error, attemptId: entry.envelope.attemptId }, 'a look-up failed; another follows')
    } finally {
      lookupsRunning--
    }
    entry.lookupAt = performance.now() + backoffMs(entry.lookups + 1, lookupBackoff)
  }

  const sweep = () => {
    const now = performance.now()
    const due: Entry[] = []
    for (const entry of entries.values()) {
      const age = now - entry.startedAt
      if (!entry.isPublished && age > publishTimeoutMs) {
        metrics.publishTimedOut?.()
        fail(entry, new TransportError(`the command was not acknowledged within ${publishTimeoutMs} ms`))
      } else if (age > maxPendingMs) {
        fail(entry, new TransportError(`no outcome within ${maxPendingMs} ms; the command goes on`))
      } else if (now >= entry.lookupAt) {
        due.push(entry)
      }
    }
    // Who has waited longest comes first.
    due.sort((a, b) => a.lookupAt - b.lookupAt)
    for (const entry of due.slice(0, Math.max(0, options.maxConcurrentLookups - lookupsRunning))) void lookUp(entry)
    if (entries.size === 0) {
      clearInterval(sweeper)
      sweeper = undefined
    }
  }

  const add = (envelope: CommandEnvelope, onGivenUp: () => void): PendingAttempt => {
    const startedAt = performance.now()
    const entry: Entry = {
      envelope,
      startedAt,
      durable: Promise.withResolvers(),
      resolution: Promise.withResolvers(),
      onGivenUp,
      attempts: 1,
      isPublished: false,
      lookups: 0,
      // Also before it is published: while the brokers are away, an outcome that is there already is answered.
      lookupAt: startedAt + firstLookupMs(),
    }
    // A caller may want only one of the two.
    entry.durable.promise.catch(() => undefined)
    entry.resolution.promise.catch(() => undefined)
    entries.set(envelope.attemptId, entry)
    sweeper ??= setInterval(sweep, sweepMs).unref()
    return {
      dispatch: {
        durable: () => entry.durable.promise,
        resolution: entry.resolution.promise,
        attempts: () => entry.attempts,
      },
      published: () => markPublished(entry),
      fail: (error) => fail(entry, error),
    }
  }

  const reply = (message: Reply) => {
    const entry = entries.get(message.attemptId)
    // A duplicate, or an attempt that was given up.
    if (entry === undefined) return
    entry.attempts = Math.max(entry.attempts, message.attempts)
    switch (message.kind) {
      case 'resolution':
        settle(entry, message.resolution, 'reply')
        break
      case 'look-up':
        if (entry.lookupAt !== Infinity) entry.lookupAt = 0
        break
      case 'progress':
        break
    }
  }

  return {
    add,
    reply,
    get size() {
      return entries.size
    },
    close: (error) => {
      for (const entry of entries.values()) fail(entry, error)
    },
  }
}
