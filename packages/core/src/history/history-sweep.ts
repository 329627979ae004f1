import { hash } from 'node:crypto'
import type { App } from '../app.ts'
import { commandStreamPrefix } from '../brands.ts'
import { keyMetadata } from '../key-state/state.ts'
import type { Checkpoints } from '../ports/clock.ts'
import { EventStoreError, type RecordedEvent } from '../ports/event-store.ts'
import { removeHistory, type RemoveHistoryDeps } from './remove-history.ts'

export interface SweepHistoryOptions extends RemoveHistoryDeps {
  readonly app: App
  readonly checkpoints: Checkpoints
  readonly signal: AbortSignal
}

export interface SweptHistory {
  /** Keys whose history was removed. */
  readonly removed: number
  /** Streams that have so many events that the record of their removal would be too large. They are kept. */
  readonly tooLarge: readonly string[]
}

/** Streams worked on at one time. */
const concurrency = 32

/** Commands whose history is due at the same age. */
interface Group {
  readonly names: ReadonlySet<string>
  readonly retentionMs: number
  readonly historyRetentionMs: number
}

/**
 * Removes the history of keys whose command says `historyRetentionMs`, where it is due.
 *
 * A generation's first event names the command; one that is younger than retention and history retention together cannot
 * be due, and those behind it in the log are younger still. So each group of commands has a checkpoint of its own, before
 * which all is removed, was begun anew (and is met again further on), or has to be kept.
 */
export async function sweepHistory(options: SweepHistoryOptions): Promise<SweptHistory> {
  let removed = 0
  const tooLarge: string[] = []
  for (const group of groupsOf(options.app)) {
    const swept = await sweepGroup(group, options)
    removed += swept.removed
    tooLarge.push(...swept.tooLarge)
  }
  return { removed, tooLarge }
}

/** True when the application has a command whose history is not kept for ever. */
export const removesHistory = (app: App): boolean => groupsOf(app).length > 0

function groupsOf({ commands }: App): readonly Group[] {
  const limited = commands.flatMap(({ name, retentionMs, historyRetentionMs }) =>
    historyRetentionMs === undefined ? [] : [{ name, retentionMs, historyRetentionMs }],
  )
  return [...Map.groupBy(limited, (one) => `${one.retentionMs}-${one.historyRetentionMs}`).values()].flatMap((some) => {
    const [first] = some
    return first === undefined ? [] : [{ ...first, names: new Set(some.map(({ name }) => name)) }]
  })
}

/** Another set of commands, or another age, begins anew: what one of them left behind may be due to it. */
function checkpointOf({ names, retentionMs, historyRetentionMs }: Group): string {
  const commands = hash('sha256', [...names].sort().join('\0'), 'hex').slice(0, 16)
  return `history-${retentionMs}-${historyRetentionMs}-${commands}`
}

async function sweepGroup(group: Group, options: SweepHistoryOptions): Promise<SweptHistory> {
  const { store, checkpoints, clock, clockSkewMs, signal } = options
  const { retentionMs, historyRetentionMs } = group
  const checkpoint = checkpointOf(group)
  const after = await checkpoints.load(checkpoint)
  const youngestMs = clock.nowMs() - retentionMs - historyRetentionMs - clockSkewMs
  const tooLarge: string[] = []
  let removed = 0
  /** Everything up to here is settled. */
  let done = after
  let waiting = false
  const settle = async (event: RecordedEvent): Promise<void> => {
    const { generation } = keyMetadata(event)
    const result = await removeHistory(options, { stream: event.stream, generation, historyRetentionMs })
    if (result === 'removed') removed++
    if (result === 'too-many') tooLarge.push(event.stream)
    // A later generation is met where it begins.
    if (result === 'due-later') waiting = true
  }
  const stop = new AbortController()
  const batches = store.subscribe({
    prefix: commandStreamPrefix,
    signal: AbortSignal.any([signal, stop.signal]),
    ...(after !== undefined && { after }),
  })
  for await (const batch of batches) {
    const old = batch.events.filter(({ recordedAtMs }) => recordedAtMs <= youngestMs)
    const begun = old.filter((event) => beginsGenerationOf(event, group))
    for (let at = 0; at < begun.length; at += concurrency)
      await Promise.all(begun.slice(at, at + concurrency).map(settle))
    const end = old.length < batch.events.length
    if (!waiting) done = end ? (old.at(-1)?.position ?? done) : batch.position
    if (end || batch.caughtUp) stop.abort()
  }
  if (done !== undefined && done !== after && !signal.aborted) await checkpoints.save(checkpoint, done)
  return { removed, tooLarge }
}

/** An event that cannot be understood is kept. */
function beginsGenerationOf(event: RecordedEvent, { names }: Group): boolean {
  try {
    const { envelope } = keyMetadata(event)
    return envelope !== undefined && names.has(envelope.command)
  } catch (error) {
    if (error instanceof EventStoreError) return false
    throw error
  }
}
