import { stripTypeScriptTypes } from 'node:module'
import { Worker } from 'node:worker_threads'
import { ReadStoreError } from '@holdfast/core'
import { errorOf } from './faults.ts'
import type { WriteAnswer, WriteOrder, WriteResults } from './protocol.ts'
import { withoutWarning } from './without-warning.ts'

/** The calling thread's end of the thread that writes. */
export interface Writer {
  /** @throws ReadStoreError */
  write<Kind extends WriteOrder['kind']>(order: Extract<WriteOrder, { kind: Kind }>): Promise<WriteResults[Kind]>
  /** Waits for what was handed in, then closes the database and ends the thread. */
  close(): Promise<void>
}

interface Pending {
  readonly resolve: (result: never) => void
  readonly reject: (error: ReadStoreError) => void
}

/** The thread keeps little: what it needs beyond its orders lies in SQLite's own cache. */
const resourceLimits = { maxYoungGenerationSizeMb: 8 }

const runsFromSources = import.meta.url.endsWith('.ts')
let starts = 0

/**
 * Writes happen on a thread of their own: a commit of thousands of documents, or a copy of the log into the database, takes
 * many milliseconds in which nobody could be answered. If the thread dies, what it had fails with `unavailable`, and the
 * next order starts another.
 */
export function createWriter(path: string): Writer {
  let thread: Worker | undefined
  const underWay: Pending[] = []

  function started(): Worker {
    if (thread !== undefined) return thread
    const worker = startThread(path)
    let death = 'it was ended from outside'
    worker.on('message', (message: WriteAnswer) => {
      const pending = underWay.shift()
      if (message.kind === 'done') pending?.resolve(message.result as never)
      else pending?.reject(errorOf(message.fault))
    })
    worker.on('error', (error: Error) => {
      death = error.message
    })
    worker.on('exit', () => {
      if (thread === worker) thread = undefined
      const error = new ReadStoreError('unavailable', `the thread that writes to ${path} died: ${death}`)
      for (const pending of underWay.splice(0)) pending.reject(error)
    })
    thread = worker
    return worker
  }

  return {
    write: (order) =>
      new Promise((resolve, reject) => {
        const worker = started()
        underWay.push({ resolve, reject })
        worker.postMessage(order)
      }),
    close: async () => {
      const worker = thread
      if (worker === undefined) return
      const ended = new Promise((resolve) => worker.once('exit', resolve))
      worker.postMessage({ kind: 'close' } satisfies WriteOrder)
      await ended
    },
  }
}

/** TypeScript from the sources, JavaScript from a build. */
function startThread(path: string): Worker {
  starts += 1
  if (runsFromSources && starts === 2) keepTypeStripper()
  const file = new URL(`./writer-thread.${runsFromSources ? 'ts' : 'js'}`, import.meta.url)
  return new Worker(file, { workerData: { path }, resourceLimits })
}

/**
 * Has this thread load Node's type stripper, which all threads share: while only short-lived threads hold it, one that frees
 * it can crash another that uses it (see the same function of the SQLite event store).
 */
function keepTypeStripper(): void {
  withoutWarning('ExperimentalWarning', () => stripTypeScriptTypes(''))
}
