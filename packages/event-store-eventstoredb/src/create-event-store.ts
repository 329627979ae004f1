import { randomUUID } from 'node:crypto'
import { jsonEvent } from '@eventstore/db-client'
import type { Checkpoints, EventStore } from '@holdfast/core'
import { EventStoreError, UnderWay } from '@holdfast/core'
import { createAppender } from './appender.ts'
import { createCheckpoints } from './checkpoints.ts'
import { createConnection } from './connection.ts'
import { toEventData } from './event-data.ts'
import { createKnownRevisions } from './known-revisions.ts'
import { createLooseAppender } from './loose-appender.ts'
import type { EventStoreDbOptions } from './options.ts'
import { resolveOptions } from './options.ts'
import { probeStream } from './own-streams.ts'
import { createStreamReader } from './stream-reader.ts'
import { subscribe } from './subscriber.ts'
import { createTruncator } from './truncator.ts'

export interface EventStoreDbEventStore extends EventStore {
  /** Checkpoints in the same store, in streams `holdfastcheckpoint-<name>`. */
  readonly checkpoints: Checkpoints
}

/**
 * The `EventStore` port on EventStoreDB / KurrentDB, through `@eventstore/db-client`. Nothing is connected before the
 * first use. Positions are commit positions; events are JSON events.
 *
 * Beyond the port: `append` to a tombstoned stream throws `corrupt`, and so does `subscribe` after a position that is not
 * one of this log. What the server does otherwise, and where each trap is handled: `README.md`.
 *
 * @throws RangeError for an option that is not allowed
 */
export function createEventStoreDbEventStore(given: EventStoreDbOptions): EventStoreDbEventStore {
  const options = resolveOptions(given)
  const connection = createConnection(options.connectionString, options.logger)
  const known = createKnownRevisions()
  const reader = createStreamReader({ connection, options, known })
  const append = createAppender({ connection, options, known, reader })
  const appendLoosely = createLooseAppender(connection, options)
  const truncate = createTruncator({ connection, options, reader })
  const checkpoints = createCheckpoints(appendLoosely, reader)
  const closing = new AbortController()
  const underWay = new UnderWay()
  let closed: Promise<void> | undefined
  let probe: Promise<void> | undefined

  function assertOpen(): void {
    if (closed) throw new EventStoreError('closed', 'the event store was closed')
  }

  /** Runs work that `close` waits for. */
  async function tracked<T>(start: () => Promise<T>): Promise<T> {
    assertOpen()
    underWay.begin()
    try {
      return await start()
    } finally {
      underWay.end()
    }
  }

  async function probeOnce(): Promise<void> {
    const event = jsonEvent({ id: randomUUID(), type: 'Probed', data: {}, metadata: {} })
    await appendLoosely({ stream: probeStream, event, maxCount: 1 })
  }

  return {
    maxEventBytes: options.maxEventBytes,
    append: (stream, events, expected) =>
      tracked(async () => {
        if (events.length === 0) throw new RangeError('an append needs an event')
        return append({ stream, events: toEventData(events, options), expected })
      }),
    read: (stream, read) => tracked(() => reader.read(stream, read)),
    truncate: (stream, before) => tracked(() => truncate(stream, before)),
    async *subscribe(wanted) {
      assertOpen()
      yield* subscribe({ connection, reader, options, closing: closing.signal }, wanted)
    },
    checkWritable: () =>
      tracked(
        () =>
          // Whoever asks while a probe runs shares it: its write is as recent as theirs would be.
          (probe ??= probeOnce().finally(() => {
            probe = undefined
          })),
      ),
    close() {
      closed ??= (async () => {
        closing.abort()
        await underWay.idle()
        await connection.close()
      })()
      return closed
    },
    checkpoints: {
      load: (name) => tracked(() => checkpoints.load(name)),
      save: (name, position) => tracked(() => checkpoints.save(name, position)),
    },
  }
}
