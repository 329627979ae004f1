import type { ResultEvent } from '@holdfast/contracts'
import { commandIdOfStream, commandStreamPrefix } from '../brands.ts'
import { keyEventTypes } from '../key-state/events.ts'
import { readGeneration } from '../key-state/load.ts'
import { keyMetadata } from '../key-state/state.ts'
import { EventStoreError, type EventStore, type RecordedEvent } from '../ports/event-store.ts'
import {
  matchesFilter,
  ResultPlaceError,
  type PlacedResult,
  type ResultBatch,
  type ResultFeed,
  type ResultSubscription,
} from '../ports/result-feed.ts'
import { isResult, resultEventOf, type ResultOrigin } from './result-event.ts'

export interface StoreResultFeedOptions {
  readonly store: EventStore
  /** Called for each event on a key's stream that cannot be understood; it is passed over, and holds up nobody. */
  readonly onUnreadable?: (event: RecordedEvent, error: EventStoreError) => void
}

/** Generations that have begun and not ended, whose origin is remembered; the others are read again when they end. */
const maxOrigins = 10_000

/**
 * Events of one look. The embedded store reads and parses them in the process that answers commands: a consumer that has
 * to catch up on a long history takes a millisecond at a time.
 */
const maxBatch = 100

/**
 * The results as they stand in the event store: nothing is published that could be lost, the history itself is the feed.
 * A place is a global position, in decimal digits.
 */
export function createStoreResultFeed(options: StoreResultFeedOptions): ResultFeed {
  return { subscribe: (subscription) => subscribe(options, subscription) }
}

async function* subscribe(
  options: StoreResultFeedOptions,
  subscription: ResultSubscription,
): AsyncGenerator<ResultBatch, void> {
  const { store } = options
  const { signal, outcomes } = subscription
  const after = subscription.after === undefined ? undefined : positionOf(subscription.after)
  // Releases alone are rare, and can be found by their type.
  const releasesOnly = outcomes?.every((outcome) => outcome === 'released') === true
  const batches = store.subscribe({
    signal,
    maxBatch,
    ...(releasesOnly ? { prefix: '', types: [keyEventTypes.released] } : { prefix: commandStreamPrefix }),
    ...(after !== undefined && { after }),
  })
  const origins = createOrigins(store)
  let begun = false
  try {
    for await (const { events, position, caughtUp } of batches) {
      const results: PlacedResult[] = []
      for (const event of events) {
        const result = await readable(event, origins, options)
        if (result !== undefined && matchesFilter(result, subscription))
          results.push({ event: result, place: String(event.position) })
      }
      begun = true
      yield { results, place: String(position), caughtUp }
    }
  } catch (error) {
    // That is how stores answer to a position that is none of theirs.
    if (!begun && after !== undefined && error instanceof EventStoreError && error.code === 'corrupt')
      throw new ResultPlaceError(error.message, { cause: error })
    throw error
  }
}

/** @throws ResultPlaceError */
function positionOf(place: string): bigint {
  if (!/^\d{1,18}$/.test(place))
    throw new ResultPlaceError(`"${place.slice(0, 50)}" is not a position of the event store`)
  return BigInt(place)
}

async function readable(
  event: RecordedEvent,
  origins: Origins,
  { onUnreadable }: StoreResultFeedOptions,
): Promise<ResultEvent | undefined> {
  if (commandIdOfStream(event.stream) === undefined) return undefined
  try {
    return isResult(event) ? resultEventOf(event, await origins.take(event)) : origins.note(event)
  } catch (error) {
    if (!(error instanceof EventStoreError) || error.code !== 'corrupt') throw error
    onUnreadable?.(event, error)
    return undefined
  }
}

interface Origins {
  /** Remembers what the first event of a generation says. */
  note(event: RecordedEvent): undefined
  /** The origin of a result: on it, remembered, or read from the generation's first event. */
  take(event: RecordedEvent): Promise<ResultOrigin | undefined>
}

function createOrigins(store: EventStore): Origins {
  const open = new Map<string, { readonly generation: number; readonly origin: ResultOrigin }>()
  return {
    note(event) {
      const { generation, envelope } = keyMetadata(event)
      if (envelope === undefined) return undefined
      const [oldest] = open.keys()
      if (open.size >= maxOrigins && oldest !== undefined) open.delete(oldest)
      const { command, tenant, key } = envelope
      open.set(event.stream, { generation, origin: { command, tenant, key } })
      return undefined
    },
    async take(event) {
      const { generation, envelope } = keyMetadata(event)
      if (envelope !== undefined) return envelope
      const remembered = open.get(event.stream)
      open.delete(event.stream)
      if (remembered?.generation === generation) return remembered.origin
      const [first] = await readGeneration(store, event)
      return first && keyMetadata(first).envelope
    },
  }
}
