import type { AppendResult, ExpectedRevision } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import type { AppendRequest, Attempt } from './append-attempt.ts'
import { attemptAppend } from './append-attempt.ts'
import type { Connection } from './connection.ts'
import { positionOf } from './convert-event.ts'
import type { KnownRevisions } from './known-revisions.ts'
import type { ResolvedOptions } from './options.ts'
import type { StreamReader } from './stream-reader.ts'
import { backOffMs, pause } from './waiting.ts'

export interface AppenderParts {
  readonly connection: Connection
  readonly reader: StreamReader
  readonly known: KnownRevisions
  readonly options: ResolvedOptions
}

export interface StreamRequest extends AppendRequest {
  readonly expected: ExpectedRevision
}

/** A definite answer. */
type Settled = Extract<Attempt, { kind: 'appended' | 'conflict' }>

const firstPauseMs = 20
const longestPauseMs = 500

/**
 * Appends, and finds out what became of an append whose outcome is not known: reads whether the events stand there, and
 * appends the **same ids** at the **same revision** again, which the server takes for what it is. At most one of the
 * attempts can have an effect, however late one of them arrives.
 */
export function createAppender(parts: AppenderParts): (request: StreamRequest) => Promise<AppendResult> {
  const { connection, known, options } = parts

  async function attempt(request: AppendRequest, timeoutMs: number): Promise<Attempt> {
    const lease = connection.lease()
    try {
      return await attemptAppend(lease, request, timeoutMs)
    } finally {
      lease.release()
    }
  }

  async function resolve(request: StreamRequest, cause: unknown): Promise<Settled> {
    const endMs = performance.now() + options.resolveTimeoutMs
    const leftMs = (): number => endMs - performance.now()
    let last = cause
    for (let rounds = 0; ; rounds += 1) {
      const pauseMs = backOffMs(rounds, { firstMs: firstPauseMs, maxMs: longestPauseMs })
      if (pauseMs >= leftMs()) {
        const message = `whether the append to ${request.stream} was written is not known; append the same ids again, or read`
        throw new EventStoreError('unknown-outcome', message, { cause: last })
      }
      await pause(pauseMs)
      const found = await inspect(parts, request, leftMs())
      if (found) return found
      if (leftMs() <= 0) continue
      const again = await attempt(request, Math.min(options.appendTimeoutMs, leftMs()))
      if (again.kind === 'appended' || again.kind === 'conflict') return again
      if (again.kind === 'unknown') last = again.cause
      // Refused: this time it was surely not written, which tells nothing of the first time.
      else if (again.error.code !== 'unavailable') throw again.error
    }
  }

  return async (request) => {
    const first = await attempt(request, options.appendTimeoutMs)
    if (first.kind === 'refused') throw first.error
    const settled = first.kind === 'unknown' ? await resolve(request, first.cause) : first
    if (settled.kind === 'conflict') {
      if (settled.actual !== 'no_stream') known.note(request.stream, settled.actual)
      return settled
    }
    // No position: stored so long ago that it is hidden now. Every subscription has passed it.
    return { ...settled, position: settled.position ?? 0n }
  }
}

/** Looks whether the events stand where they should; undefined when that cannot be told by reading. */
async function inspect(
  { reader }: AppenderParts,
  request: StreamRequest,
  timeoutMs: number,
): Promise<Settled | undefined> {
  const from = request.expected === 'no_stream' ? 0n : request.expected + 1n
  const count = request.events.length
  const there = await reader.readOnce(request.stream, { direction: 'forwards', from, maxCount: count }, timeoutMs)
  if (there.kind !== 'events') return undefined
  const [first] = there.events
  // Expired, truncated, or beyond the end: only the server can tell, when it is asked to append.
  if (first?.event?.revision !== from) return undefined
  if (!isSame(first.event.id, request.events[0]?.id)) {
    const end = await reader.readOnce(request.stream, { direction: 'backwards', maxCount: 1 }, timeoutMs)
    const actual = end.kind === 'events' ? end.events[0]?.event?.revision : undefined
    return actual === undefined ? undefined : { kind: 'conflict', actual }
  }
  const last = there.events.at(-1)
  const isWhole = request.events.every(({ id }, index) => isSame(id, there.events[index]?.event?.id))
  if (!isWhole || !last?.event) return undefined
  return { kind: 'appended', revision: last.event.revision, position: positionOf(last) }
}

/** The server keeps ids as numbers and writes them in lower case. */
const isSame = (one: string, other: string | undefined): boolean => one.toLowerCase() === other?.toLowerCase()
