import type { Worker } from 'node:worker_threads'
import type { AppendResult, Clock, EventStoreError } from '@holdfast/core'
import { errorOf } from './fault-error.ts'
import type { Fault } from './faults.ts'
import { noStream, resultWidth, surelyNoStream } from './protocol.ts'
import type { AppendedEvents, WriterMessage, WriterOrder, Written } from './protocol.ts'
import { startThread } from './threads.ts'
import { addAppend, createGroup, rejectGroup, resolveGroup, writesIn } from './write-group.ts'
import type { PendingGroup, PreparedAppend } from './write-group.ts'

export interface WriterOptions {
  /** The database file, prepared. */
  readonly path: string
  readonly clock: Clock
  /** The store's last position: at the start, and after each transaction before its callers are answered. */
  readonly onHead: (head: number) => void
  /** Events were written; called for each append, in order, before anyone is answered. */
  readonly onAppended: (events: AppendedEvents) => void
  /** The index of streams holds all up to here. */
  readonly onIndexed: (position: number) => void
  /** A transaction became durable; called before its callers are answered. */
  readonly onWritten: (transaction: { readonly appends: number; readonly durationMs: number }) => void
  /**
   * A new thread found other events than were told of: written just before the last one died, or by another process in spite of
   * the lock. Called before any write goes to it.
   */
  readonly onOtherEvents: () => void
  /** A transaction failed, or the thread died or did not start. */
  readonly onFault: (error: EventStoreError) => void
}

/** The calling thread's end of the thread that writes. */
export interface Writer {
  append(append: PreparedAppend): Promise<AppendResult>
  saveCheckpoint(name: string, position: bigint): Promise<void>
  truncate(truncation: { readonly stream: string; readonly hash: number; readonly before: number }): Promise<void>
  /** Writes a row of its own, durably. */
  probe(): Promise<void>
  /** Waits for what was handed in, then closes the database and ends the thread. */
  close(): Promise<void>
}

/** So many writes are worth a message of their own while others are still coming in. */
const eagerWrites = 16
/** Most that one group holds, writes and length of texts: it is in memory twice. */
const maxWrites = 500
const maxCharacters = 2 * 1024 * 1024
/** Groups that the thread has at a time. It writes all that it finds at once; the rest waits and grows together here. */
const maxUnderWay = 4

/**
 * Group commit. Writes are handed over in groups, a message each; the thread puts all groups that it finds into one
 * transaction with one sync, and meanwhile the next ones collect.
 *
 * If the thread dies, what it had fails with `unknown-outcome`, once it is gone, so that a read tells the truth; what
 * waits goes to a new thread, and fails with `unavailable` or `corrupt` if that one cannot open the database.
 *
 * @throws EventStoreError when the database cannot be opened
 */
export async function startWriter(options: WriterOptions): Promise<Writer> {
  /** Not handed over; the last of them is open for more. */
  const queue: PendingGroup[] = []
  const underWay: PendingGroup[] = []
  let thread: WriterThread | undefined
  /** Position of the last event that was told of. */
  let head: number | undefined
  let scheduled = false
  let closing = false
  const end = Promise.withResolvers<undefined>()

  function openGroup(): PendingGroup {
    const last = queue.at(-1)
    if (last !== undefined && writesIn(last) < maxWrites && last.characters < maxCharacters) return last
    const next = createGroup()
    queue.push(next)
    return next
  }

  function added(to: PendingGroup): void {
    if (writesIn(to) >= eagerWrites || to.characters >= maxCharacters) send()
    else schedule()
  }

  /** Not at once, but after the sockets were read: what came in together goes together. */
  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      send()
    })
  }

  function send(): void {
    if (queue.length === 0) {
      if (closing && underWay.length === 0) endThread()
    } else if (thread === undefined) {
      openThread()
    } else if (thread.state === 'ready') {
      while (underWay.length < maxUnderWay && queue.length > 0) sendGroup(thread)
    }
  }

  function sendGroup({ worker }: WriterThread): void {
    const next = queue.shift()
    if (next === undefined) return
    underWay.push(next)
    order(worker, { kind: 'write', group: { ...next.group, atMs: options.clock.nowMs() } })
  }

  function endThread(): void {
    if (thread === undefined) {
      end.resolve(undefined)
    } else if (thread.state === 'ready') {
      thread.state = 'ending'
      order(thread.worker, { kind: 'close' })
    }
  }

  function openThread(): WriterThread {
    const worker = startThread('writer-thread', { workerData: { path: options.path }, resourceLimits })
    const current: WriterThread = { worker, state: 'starting', opened: Promise.withResolvers<undefined>() }
    // Only the first start is waited for; later ones tell whoever is in the queue.
    current.opened.promise.catch(() => undefined)
    let death = 'it was ended from outside'
    worker.on('message', (message: WriterMessage) => {
      schedule()
      take(current, message)
    })
    worker.on('error', (error: Error) => {
      death = error.message
    })
    worker.on('exit', () => {
      thread = undefined
      if (current.state !== 'ending') died(current, `the thread that writes to ${options.path} died: ${death}`)
      schedule()
    })
    thread = current
    return current
  }

  function take(from: WriterThread, message: WriterMessage): void {
    switch (message.kind) {
      case 'ready':
        from.state = 'ready'
        if (head !== undefined && head !== message.head) {
          for (const { group } of queue) makeUnsure(group.appends.expected)
          options.onOtherEvents()
        }
        moveTo(message.head)
        from.opened.resolve(undefined)
        break
      case 'written':
        settle(message)
        break
      case 'failed':
        if (message.ending) from.state = 'ending'
        fail(underWay.splice(0, message.groups), message.fault)
        if (message.ending) handBack()
        break
      case 'not-opened':
        from.state = 'ending'
        notOpened(from, message.fault)
        break
    }
  }

  /** What a thread that ends was given and did not touch: for the next one. */
  function handBack(): void {
    queue.unshift(...underWay.splice(0))
  }

  /** Nothing of what waits was handed over. */
  function notOpened(from: WriterThread, fault: Fault): void {
    fail(queue.splice(0), fault)
    from.opened.reject(errorOf(fault))
  }

  function died(from: WriterThread, message: string): void {
    if (from.state === 'ready') fail(underWay.splice(0), { code: 'unknown-outcome', message })
    else notOpened(from, { code: 'unavailable', message })
  }

  function moveTo(position: number): void {
    head = position
    options.onHead(position)
  }

  function settle(written: Written): void {
    moveTo(written.head)
    let at = 0
    // Who waits goes on after this turn: all is told by then.
    for (const group of underWay.splice(0, written.groups))
      at = resolveGroup(group, { results: written.results, at, tell: options.onAppended })
    options.onIndexed(written.indexed)
    // At the end: what is not ours may throw.
    options.onWritten({ appends: written.results.length / resultWidth, durationMs: written.durationMs })
  }

  function fail(groups: readonly PendingGroup[], fault: Fault): void {
    const error = errorOf(fault)
    options.onFault(error)
    for (const group of groups) rejectGroup(group, error)
  }

  await openThread().opened.promise

  return {
    append: (append) =>
      new Promise((resolve, reject) => {
        const group = openGroup()
        addAppend(group, append, { resolve, reject })
        added(group)
      }),
    saveCheckpoint: (name, position) =>
      new Promise((resolve, reject) => {
        const group = openGroup()
        group.group.checkpoints.push({ name, position })
        group.others.push({ resolve, reject })
        added(group)
      }),
    truncate: (truncation) =>
      new Promise((resolve, reject) => {
        const group = openGroup()
        group.group.truncations.push(truncation)
        group.others.push({ resolve, reject })
        added(group)
      }),
    probe: () =>
      new Promise((resolve, reject) => {
        const group = openGroup()
        group.group.probe = true
        group.others.push({ resolve, reject })
        added(group)
      }),
    close: async () => {
      closing = true
      schedule()
      await end.promise
    },
  }
}

interface WriterThread {
  readonly worker: Worker
  /** `ending`: takes nothing more; what comes next waits for its exit and goes to another. */
  state: 'starting' | 'ready' | 'ending'
  readonly opened: PromiseWithResolvers<undefined>
}

/** Others may have begun the stream. */
function makeUnsure(expected: number[]): void {
  for (const [at, revision] of expected.entries()) if (revision === surelyNoStream) expected[at] = noStream
}

const order = (worker: Worker, message: WriterOrder): void => {
  worker.postMessage(message)
}

/** The thread keeps little: what it needs beyond its groups lies in SQLite's own cache. */
const resourceLimits = { maxYoungGenerationSizeMb: 8 }
