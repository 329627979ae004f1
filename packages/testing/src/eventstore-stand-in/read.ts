import type { ReadReq as ReadRequest } from '@eventstore/db-client/generated/streams_pb.js'
import type { Entry } from './stream-state.ts'
import { firstVisible, isExpired, isSoftDeleted } from './stream-state.ts'
import { ReadReq, ReadResp, streamIdentifier, streamNameOf } from './protocol.ts'
import { createEntryFilter } from './read-filter.ts'
import type { ReadTurn } from './read-turn.ts'
import { sendEvent } from './read-turn.ts'
import { invalidPositionError, streamDeletedError } from './rpc-errors.ts'
import type { ReadCall } from './sender.ts'
import { createSender } from './sender.ts'
import type { ServerContext } from './server-context.ts'
import { countCall, refusal } from './server-context.ts'
import { subscribe } from './subscription.ts'
import { isReadable, sequenceFrom } from './positions.ts'

/** `Streams/Read`: a stream or `$all`, either way, or a subscription to one of them. */
export function createRead(context: ServerContext): (call: ReadCall) => void {
  return (call) => {
    countCall(context, call.metadata)
    const options = call.request.getOptions()
    if (!options) return
    const stream = streamNameOf(options.getStream()?.getStreamIdentifier())
    const isSubscription = options.hasSubscription()
    if (isSubscription) context.counts.subscriptions += 1
    else context.counts.reads += 1
    const sender = createSender(call)
    const run = (): void => {
      const work = isSubscription
        ? subscribe({ context, call, sender, options })
        : answer({ context, call, sender, options })
      work.catch((error: unknown) => call.emit('error', error))
    }
    const fault = context.faults.take(isSubscription ? 'subscribe' : 'read', stream)
    if (!fault) {
      run()
      return
    }
    switch (fault.kind) {
      case 'delay':
        context.later(fault.ms, run)
        return
      case 'end':
        call.end()
        return
      case 'close-connections':
        context.closeConnections()
        return
      case 'die':
        context.die()
        return
      default: {
        const error = refusal(context, fault)
        if (error) call.emit('error', error)
      }
    }
  }
}

async function answer(turn: ReadTurn): Promise<void> {
  const { context, call, options } = turn
  const stream = options.getStream()
  if (!stream) {
    await answerAll(turn)
    return
  }
  const name = streamNameOf(stream.getStreamIdentifier())
  const state = context.database.stream(name)
  const last = lastIndexed(state?.entries ?? [], context)
  const isIndexed = (entry: Entry): boolean => entry.sequence < context.database.index.count()
  if (state?.tombstone && isIndexed(state.tombstone)) {
    call.emit('error', streamDeletedError(name))
    return
  }
  if (!state || last < 0 || isSoftDeleted(state.indexedMetadata)) {
    const missing = new ReadResp.StreamNotFound().setStreamIdentifier(streamIdentifier(name))
    await turn.sender.send(new ReadResp().setStreamNotFound(missing))
    call.end()
    return
  }
  const lowest = firstVisible(state.indexedMetadata, last)
  const from = stream.hasRevision() ? Number(stream.getRevision()) : stream.hasEnd() ? last : 0
  const forwards = options.getReadDirection() === ReadReq.Options.ReadDirection.FORWARDS
  const nowMs = context.nowMs()
  let left = countOf(options)
  let at = forwards ? Math.max(from, lowest) : Math.min(from, last)
  for (; left > 0 && at >= lowest && at <= last; at += forwards ? 1 : -1) {
    const entry = state.entries[at]
    if (!entry || entry.scavenged || isExpired(entry, state.indexedMetadata, nowMs)) continue
    left -= 1
    if (!(await sendEvent(turn, entry))) return
  }
  call.end()
}

/** Revision of the last event that a read may see. */
function lastIndexed(entries: readonly Entry[], context: ServerContext): number {
  let last = entries.length - 1
  while (last >= 0 && (entries[last]?.sequence ?? 0) >= context.database.index.count()) last -= 1
  return last
}

async function answerAll(turn: ReadTurn): Promise<void> {
  const { context, call, options } = turn
  const { database } = context
  const filter = createEntryFilter(options.getFilter())
  const forwards = options.getReadDirection() === ReadReq.Options.ReadDirection.FORWARDS
  const all = options.getAll()
  const position = all?.getPosition()
  if (position && !isReadable(database, Number(position.getCommitPosition()))) {
    call.emit('error', invalidPositionError)
    return
  }
  const indexed = database.index.count()
  // Forwards from a position includes what stands there; backwards from it excludes that.
  const start = position
    ? sequenceFrom(database.log, Number(position.getCommitPosition()))
    : all?.hasEnd()
      ? indexed
      : 0
  let left = countOf(options)
  for (let at = forwards ? start : start - 1; left > 0 && at >= 0 && at < indexed; at += forwards ? 1 : -1) {
    const entry = database.log[at]
    if (!entry || entry.scavenged || (filter && !filter(entry))) continue
    left -= 1
    if (!(await sendEvent(turn, entry))) return
  }
  call.end()
}

const countOf = (options: ReadRequest.Options): number => (options.hasCount() ? Number(options.getCount()) : Infinity)
