import { randomUUID } from 'node:crypto'
import type { ReadReq as ReadRequest } from '@eventstore/db-client/generated/streams_pb.js'
import type { Database } from './database.ts'
import { isReadable, sequenceFrom } from './positions.ts'
import { ReadResp, streamNameOf } from './protocol.ts'
import type { EntryFilter } from './read-filter.ts'
import { createEntryFilter } from './read-filter.ts'
import type { ReadTurn } from './read-turn.ts'
import { sendEvent } from './read-turn.ts'
import { invalidPositionError, streamDeletedError } from './rpc-errors.ts'
import type { ServerContext } from './server-context.ts'
import type { Entry } from './stream-state.ts'

/** The server reads the past in pages of this many events. */
const pageEvents = 200
/** `maxSearchWindow` where the request has none. */
const defaultSearchWindow = 200

interface Plan {
  readonly matches: EntryFilter
  /** Sequence number of the first entry to look at. */
  readonly start: number
  /** The position that was asked for: the first checkpoint while no other is known. */
  readonly from: Position
  readonly window: number
  /** Records looked at between checkpoints; undefined: no checkpoints, as for every unfiltered subscription. */
  readonly interval: number | undefined
}

/**
 * Runs a subscription: confirmation, the past in pages, a checkpoint, `CaughtUp`, then live. Checkpoints follow the
 * server: live they are the position of an event; while catching up they are where a page begins, a record that was
 * looked at (commit position of its start, prepare position 0), or with `checkpoints: 'next'`, as the server did up to
 * 22.10, where the next page will begin: a record that was not looked at, or the end of the log.
 */
export async function subscribe(turn: ReadTurn): Promise<void> {
  const { context, call, sender } = turn
  const { database } = context
  const confirmation = new ReadResp.SubscriptionConfirmation().setSubscriptionId(randomUUID())
  await sender.send(new ReadResp().setConfirmation(confirmation))
  const plan = planOf(turn)
  if (!plan) return
  let next = plan.start
  let considered = 0
  const isNext = context.checkpoints === 'next'
  let page = { start: plan.from, events: 0, considered: 0, last: undefined as Entry | undefined }
  let caughtUp = false
  const arrival = createArrival(database)
  let ended = false
  const end = (): void => {
    ended = true
    call.end()
  }
  context.subscriptions.add(end)
  try {
    while (sender.open() && !ended) {
      const entry = next < database.index.count() ? database.log[next] : undefined
      if (!entry) {
        if (!caughtUp) {
          if (plan.interval !== undefined) {
            await sender.send(checkpoint(isNext ? endOf(database.log[next - 1]) : (page.last ?? page.start)))
          }
          await sender.send(new ReadResp().setCaughtUp(new ReadResp.CaughtUp()))
          caughtUp = true
          considered = 0
          continue
        }
        await Promise.race([arrival.beyond(next), sender.gone])
        continue
      }
      next += 1
      if (entry.scavenged) continue
      considered += 1
      page.considered += 1
      if (plan.matches(entry)) {
        page.events += 1
        page.last = entry
        await sendEvent(turn, entry)
      }
      if (caughtUp) {
        if (plan.interval === undefined || considered < plan.interval) continue
        considered = 0
        await sender.send(checkpoint(entry))
      } else if (page.events >= pageEvents || page.considered >= plan.window) {
        if (plan.interval !== undefined && considered >= plan.interval) {
          considered %= plan.interval
          await sender.send(checkpoint(isNext ? endOf(entry) : (page.last ?? page.start)))
        }
        page = { start: endOf(entry), events: 0, considered: 0, last: undefined }
      }
    }
  } finally {
    arrival.stop()
    context.subscriptions.delete(end)
  }
}

/** Undefined after the call was failed. */
function planOf({ context, call, options }: ReadTurn): Plan | undefined {
  const { database } = context
  const stream = options.getStream()
  if (stream) {
    const name = streamNameOf(stream.getStreamIdentifier())
    if (database.stream(name)?.tombstone) {
      call.emit('error', streamDeletedError(name))
      return undefined
    }
    const after = stream.hasRevision() ? Number(stream.getRevision()) : -1
    return {
      matches: (entry) => entry.stream.name === name && entry.revision > after,
      start: stream.hasEnd() ? database.index.count() : 0,
      from: origin,
      window: Infinity,
      interval: undefined,
    }
  }
  const all = options.getAll()
  const position = all?.getPosition()
  if (position && !isReadable(database, Number(position.getCommitPosition()))) {
    call.emit('error', invalidPositionError)
    return undefined
  }
  const filterOptions = options.getFilter()
  const window = filterOptions?.hasMax() ? filterOptions.getMax() : defaultSearchWindow
  return {
    matches: createEntryFilter(filterOptions) ?? (() => true),
    start: position ? after(context, position) : all?.hasEnd() ? database.index.count() : 0,
    from: position
      ? { commit: Number(position.getCommitPosition()), prepare: Number(position.getPreparePosition()) }
      : origin,
    window,
    interval: filterOptions ? window * filterOptions.getCheckpointintervalmultiplier() : undefined,
  }
}

/**
 * The first entry after a position, by commit and then by prepare position: one that stands at it is excluded only if
 * both agree. Up to 22.10 the server excluded whatever was the first there.
 */
function after({ database, checkpoints }: ServerContext, position: ReadRequest.Options.Position): number {
  const commit = Number(position.getCommitPosition())
  const first = sequenceFrom(database.log, commit)
  if (checkpoints === 'next') return Math.min(first + 1, database.index.count())
  const isThere = database.log[first]?.position === commit && Number(position.getPreparePosition()) >= commit
  return isThere ? first + 1 : first
}

interface Position {
  readonly commit: number
  readonly prepare: number
}

const endOf = (entry: Entry | undefined): Position => ({ commit: entry?.end ?? 0, prepare: 0 })

const origin: Position = { commit: 0, prepare: 0 }

function checkpoint(at: Entry | Position): InstanceType<typeof ReadResp> {
  const { commit, prepare } = 'commit' in at ? at : { commit: at.position, prepare: at.position }
  const message = new ReadResp.Checkpoint().setCommitPosition(String(commit)).setPreparePosition(String(prepare))
  return new ReadResp().setCheckpoint(message)
}

/** Waits until more than `count` entries are indexed. */
function createArrival(database: Database): { beyond(count: number): Promise<void>; stop(): void } {
  let wake = (): void => undefined
  const stop = database.index.onAdvance(() => {
    wake()
  })
  return {
    async beyond(count) {
      while (database.index.count() <= count) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    stop,
  }
}
