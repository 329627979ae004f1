import { KeyTable, UnderWay } from '@holdfast/core'

/** One piece of work at a time for each key, in order; different keys side by side, up to a limit. */
export interface KeyQueues {
  /** `run` must not reject. It gives its slot back while it sleeps through {@link Slot.yielding}. */
  enqueue(key: string, run: (slot: Slot) => Promise<void>): void
  /** Runs under way, without those that sleep. */
  readonly running: number
  /** Resolves when nothing is under way or queued. */
  idle(): Promise<void>
}

/** A run's share of the limit. */
export interface Slot {
  /** Waits for `wait` without a slot, and goes on when one is free again. */
  yielding(wait: Promise<void>): Promise<void>
}

type Run = (slot: Slot) => Promise<void>

/** `concurrency`: most runs at a time over all keys. */
export function createKeyQueues(concurrency: number): KeyQueues {
  const queues = new KeyTable<Run[], string>()
  const waiters: (() => void)[] = []
  const open = new UnderWay()
  let running = 0

  const acquire = (): Promise<void> | undefined => {
    if (running < concurrency) {
      running++
      return undefined
    }
    return new Promise((resolve) => waiters.push(resolve))
  }

  const release = () => {
    // The slot passes on without becoming free in between.
    const next = waiters.shift()
    if (next === undefined) running--
    else next()
  }

  const slot: Slot = {
    yielding: async (wait) => {
      release()
      await wait
      await acquire()
    },
  }

  const work = async (key: string, queue: Run[]) => {
    for (let run = queue[0]; run !== undefined; run = queue[0]) {
      await acquire()
      try {
        await run(slot)
      } finally {
        release()
        queue.shift()
      }
    }
    queues.delete(key)
    open.end()
  }

  return {
    enqueue: (key, run) => {
      const queue = queues.get(key)
      if (queue !== undefined) {
        queue.push(run)
        return
      }
      const created = [run]
      queues.set(key, created)
      open.begin()
      void work(key, created)
    },
    get running() {
      return running
    },
    idle: () => open.idle(),
  }
}
