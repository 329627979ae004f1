import { join, resolve } from 'node:path'
import { ReadStoreError, type ReadStore } from '@holdfast/core'
import { errorOf, faultOf } from './faults.ts'
import { prepareDatabase } from './open-database.ts'
import { packChanges } from './protocol.ts'
import { createReader } from './reader.ts'
import { createWriter } from './writer.ts'

export interface SqliteReadStoreOptions {
  /** Folder of the data; made when it is missing. The file is `projections.sqlite`. Several processes may use it. */
  readonly dataDir: string
}

/** The file of a data folder; SQLite adds `-wal` and `-shm` while it is open. */
export const readStoreFile = (dataDir: string): string => join(resolve(dataDir), 'projections.sqlite')

/**
 * Opens the read store of a data folder. Writes go to a thread (writer.ts), reads happen on the calling thread. Nothing is in
 * it that does not follow from the events: it may be deleted while no process uses it.
 *
 * Keeps the process alive until it is closed.
 *
 * @throws ReadStoreError `corrupt` when the file is damaged or another kind of file; `unavailable` when it cannot be used
 */
export function createSqliteReadStore({ dataDir }: SqliteReadStoreOptions): ReadStore & AsyncDisposable {
  const path = readStoreFile(dataDir)
  const reader = openFor(path)
  const writer = createWriter(path)
  let closed: Promise<void> | undefined

  async function whileOpen<T>(work: () => T | Promise<T>): Promise<T> {
    if (closed !== undefined) throw new ReadStoreError('closed', `the read store ${path} is closed`)
    return work()
  }

  const close = (): Promise<void> => {
    closed ??= closeAll()
    return closed
  }

  /** The writer is the last to close its connection: only a connection that writes can tidy up the log. */
  async function closeAll(): Promise<void> {
    const written = writer.close()
    reader.close()
    await written
  }

  return {
    claim: (request) => whileOpen(() => writer.write<'claim'>({ kind: 'claim', request })),
    renew: (claim) => whileOpen(() => writer.write<'renew'>({ kind: 'renew', claim })),
    release: (claim, failure) => whileOpen(() => writer.write<'release'>({ kind: 'release', claim, failure })),
    commit: (claim, { changes, ...commit }) =>
      whileOpen(() => writer.write<'commit'>({ kind: 'commit', claim, commit, changes: packChanges(changes) })),
    prune: (name, limit) => whileOpen(() => writer.write<'prune'>({ kind: 'prune', name, limit })),
    live: (name) => whileOpen(() => reader.live(name)),
    builds: (name) => whileOpen(() => reader.builds(name)),
    read: (selector, ids) => whileOpen(() => reader.read(selector, ids)),
    list: (selector, query) => whileOpen(() => reader.list(selector, query)),
    nearestSnapshot: (build, bound) => whileOpen(() => reader.nearestSnapshot(build, bound)),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function openFor(path: string): ReturnType<typeof createReader> {
  try {
    prepareDatabase(path)
    return createReader(path)
  } catch (error) {
    throw errorOf(faultOf(error, path))
  }
}
