import { EventStoreError, type AppendResult, type Checkpoints, type EventStore } from '@holdfast/core'
import { createFaults, type AppendFault, type PendingAppend, type StoreFaults } from './faults.ts'
import { createMemoryLog, type MemoryLog, type MemoryLogOptions } from './log.ts'
import { subscribeTo } from './subscription.ts'

export interface MemoryEventStore extends EventStore, Checkpoints {
  /** The data behind it; open further stores on it, for other processes or after a crash. */
  readonly log: MemoryLog
  readonly faults: StoreFaults
}

/** A store on data of its own. */
export function createMemoryEventStore(options: MemoryLogOptions = {}): MemoryEventStore {
  return openMemoryEventStore(createMemoryLog(options))
}

/** A process's view of a log. Several may be open at one time. */
export function openMemoryEventStore(log: MemoryLog): MemoryEventStore {
  const { controls, beforeAppend } = createFaults()
  const underWay = new Set<Promise<unknown>>()
  const closing = new AbortController()

  /** Runs one step against the log, as its process's fate has it. Asynchronous, as every real store. */
  const step = async <T>(work: () => T): Promise<T> => {
    await Promise.resolve()
    if (controls.crashed) return never()
    if (controls.down) throw new EventStoreError('unavailable', 'the store is down')
    return work()
  }
  const refuseWhenClosed = (): void => {
    if (closing.signal.aborted) throw new EventStoreError('closed', 'the store is closed')
  }
  const append = async (pending: PendingAppend): Promise<AppendResult> => {
    const fault = await beforeAppend(pending)
    return step(() => {
      const write = (): AppendResult => log.append(pending.stream, pending.events, pending.expectedRevision)
      return fault === undefined ? write() : failing(fault, write)
    })
  }
  const failing = (fault: AppendFault, write: () => AppendResult): AppendResult | Promise<never> => {
    switch (fault) {
      case 'unavailable':
        throw new EventStoreError('unavailable', 'the store refused the write')
      case 'unknown-written':
        write()
        throw new EventStoreError('unknown-outcome', 'the connection broke after the write')
      case 'unknown-not-written':
        throw new EventStoreError('unknown-outcome', 'the connection broke before the write')
      case 'crash-before':
        controls.crash()
        return never()
      case 'crash-after':
        write()
        controls.crash()
        return never()
    }
  }

  return {
    log,
    faults: controls,
    maxEventBytes: log.maxEventBytes,
    async append(stream, events, expectedRevision) {
      refuseWhenClosed()
      const work = append({ stream, events, expectedRevision })
      const done = work.catch(() => undefined).finally(() => underWay.delete(done))
      underWay.add(done)
      return work
    },
    async read(stream, options) {
      refuseWhenClosed()
      return step(() => log.read(stream, options))
    },
    async truncate(stream, before) {
      refuseWhenClosed()
      return step(() => {
        log.truncate(stream, before)
      })
    },
    async *subscribe(options) {
      refuseWhenClosed()
      for await (const batch of subscribeTo(log, options, closing.signal)) {
        if (controls.crashed) await never()
        yield batch
      }
    },
    async checkWritable() {
      refuseWhenClosed()
      return step(() => undefined)
    },
    async load(name) {
      refuseWhenClosed()
      return step(() => log.checkpoints.get(name))
    },
    async save(name, position) {
      refuseWhenClosed()
      return step(() => {
        log.checkpoints.set(name, position)
      })
    },
    async close() {
      closing.abort()
      if (!controls.crashed) await Promise.all(underWay)
    },
  }
}

/** Whoever waits for a dead process waits for ever. */
const never = (): Promise<never> =>
  new Promise(() => {
    // Neither settles: that is the point.
  })
