import type { Checkpoints, Clock, EventStore } from '@holdfast/core'
import { EventStoreError, systemClock } from '@holdfast/core'
import { backupDataDir } from './backup.ts'
import type { Backup } from './backup.ts'
import { createFolder, dataDirOf } from './data-dir.ts'
import type { DataDir } from './data-dir.ts'
import { eventStoreErrorOf } from './fault-error.ts'
import { createHead } from './head.ts'
import { defaultMaxEventBytes } from './limits.ts'
import { lockDataDir } from './lock.ts'
import type { DataDirLock } from './lock.ts'
import { assertStreamName, prepareAppend, revisionNumber } from './prepare-append.ts'
import { prepareDatabase } from './prepare-database.ts'
import { createReader } from './reader.ts'
import type { Reader } from './reader.ts'
import { noStream, surelyNoStream } from './protocol.ts'
import { streamHash } from './stream-hash.ts'
import { subscription } from './subscription.ts'
import { startWriter } from './writer.ts'
import type { Writer } from './writer.ts'

export interface SqliteEventStoreOptions {
  /** Folder of the data; made when it is missing. One process at a time. */
  readonly dataDir: string
  /**
   * Largest `data` + `metadata` of one event, bytes of UTF-8. Default 4 MiB: a body of 1 MiB, which may grow in JSON,
   * with its envelope and its response.
   */
  readonly maxEventBytes?: number
  /** Gives `recordedAtMs`. Default: the system's. */
  readonly clock?: Clock
  /** Called for each group of writes that became durable, for metrics. */
  readonly onBatch?: (batch: CommittedBatch) => void
  /** Called when a group failed or the writing thread died, for the log. The store goes on by itself. */
  readonly onFault?: (error: EventStoreError) => void
}

/** What shared one transaction and one sync. */
export interface CommittedBatch {
  /** Appends in it, conflicts included. */
  readonly appends: number
  /** From the start of the transaction until it was durable, milliseconds. */
  readonly durationMs: number
}

export interface SqliteEventStore extends EventStore, AsyncDisposable {
  /** In the same database; a save is durable when it resolves. */
  readonly checkpoints: Checkpoints
  /** Copies the store as it is now to a new file, while it serves. See {@link backupDataDir}. */
  backup(target: string): Promise<Backup>
}

/**
 * Opens the event store of a data folder; what it acknowledges is synced to the disk.
 *
 * Appends go to a thread that writes all that wait in one transaction (writer.ts); reads and subscriptions read on the
 * calling thread. Keeps the process alive until it is closed.
 *
 * @throws EventStoreError `unavailable` when another process has the folder, the schema is newer than this code, or the
 *   folder cannot be used; `corrupt` when the file is damaged
 */
export async function createSqliteEventStore(options: SqliteEventStoreOptions): Promise<SqliteEventStore> {
  const dataDir = dataDirOf(options.dataDir)
  let lock: DataDirLock | undefined
  const release = (): void => lock?.release()
  try {
    createFolder(dataDir.folder)
    lock = lockDataDir(dataDir)
    prepareDatabase(dataDir)
    return await openStore(options, dataDir, release)
  } catch (error) {
    release()
    throw eventStoreErrorOf(error, dataDir.database)
  }
}

async function openStore(
  options: SqliteEventStoreOptions,
  dataDir: DataDir,
  release: () => void,
): Promise<SqliteEventStore> {
  const { maxEventBytes = defaultMaxEventBytes, clock = systemClock, onBatch, onFault } = options
  const path = dataDir.database
  const head = createHead()
  /** Once it is there; the thread may fail before. */
  const told: { reader?: Reader } = {}
  const writer = await startWriter({
    path,
    clock,
    onAppended: (events) => told.reader?.written(events),
    onIndexed: (position) => told.reader?.indexed(position),
    onHead: (position) => {
      head.moveTo(position)
    },
    onWritten: (transaction) => onBatch?.(transaction),
    onOtherEvents: () => told.reader?.readAgain(),
    onFault: (error) => {
      told.reader?.lost()
      onFault?.(error)
    },
  })
  let reader: Reader
  try {
    reader = createReader(path)
  } catch (error) {
    await writer.close()
    throw error
  }
  told.reader = reader
  let closed: Promise<void> | undefined

  function assertOpen(): void {
    if (closed !== undefined) throw new EventStoreError('closed', `the event store ${path} is closed`)
  }

  const close = (): Promise<void> => {
    closed ??= closeAll({ writer, reader, release })
    head.wakeAll()
    return closed
  }

  return {
    maxEventBytes,
    append: (stream, events, expected) => {
      try {
        assertOpen()
        const prepared = prepareAppend({ stream, events, expected }, maxEventBytes)
        // A stream that is expected to hold something is known, or the append is a conflict.
        if (prepared.expected !== noStream) return writer.append(prepared)
        const isNew = !reader.mayHold(stream)
        reader.willHold(prepared.hash)
        return writer.append(isNew ? { ...prepared, expected: surelyNoStream } : prepared)
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(String(error)))
      }
    },
    isSurelyEmpty: (stream) => !reader.mayHold(stream),
    last: (stream) => {
      assertOpen()
      return reader.last(stream)
    },
    read: async (stream, readOptions) => {
      assertOpen()
      return reader.read(stream, readOptions)
    },
    truncate: async (stream, before) => {
      assertOpen()
      assertStreamName(stream)
      await writer.truncate({ stream, hash: streamHash(stream), before: revisionNumber(before) })
    },
    subscribe: (subscribeOptions) => subscription({ reader, head, assertOpen }, subscribeOptions),
    checkWritable: async () => {
      assertOpen()
      await writer.probe()
    },
    checkpoints: {
      load: async (name) => {
        assertOpen()
        const position = reader.checkpoint(name)
        return position === undefined ? undefined : BigInt(position)
      },
      save: async (name, position) => {
        assertOpen()
        await writer.saveCheckpoint(name, position)
      },
    },
    backup: async (target) => {
      assertOpen()
      return backupDataDir({ dataDir: dataDir.folder, target })
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The writer is the last to close its connection: only a connection that writes can tidy up the log. */
async function closeAll(parts: { writer: Writer; reader: Reader; release: () => void }): Promise<void> {
  const written = parts.writer.close()
  // After this turn nobody reads: everything was refused from the start of the close.
  parts.reader.close()
  await written
  parts.release()
}
