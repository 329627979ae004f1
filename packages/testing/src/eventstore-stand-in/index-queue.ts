import type { Entry } from './stream-state.ts'

/** Makes durable events visible, in the order of the log, at once or late. */
export interface IndexQueue {
  /** Entries of the log before this are visible to reads and subscriptions. */
  count(): number
  /** What is written is durable up to `count`; `onIndexed` is called when it is visible. */
  durable(count: number, onIndexed: () => void): void
  /** Called after each step of the index; returns how to stop. */
  onAdvance(listener: () => void): () => void
  /** Lets reads see what becomes durable from now on only this much later. 0: at once. */
  setDelay(ms: number): void
  close(): void
}

export interface IndexQueueOptions {
  readonly log: readonly Entry[]
  /** Called for each entry when it becomes visible. */
  readonly publish: (entry: Entry) => void
}

/** Everything that is in the log when this is called is indexed. */
export function createIndexQueue({ log, publish }: IndexQueueOptions): IndexQueue {
  let indexed = log.length
  let delayMs = 0
  const listeners = new Set<() => void>()
  const queue: { readonly count: number; readonly onIndexed: () => void; readonly dueMs: number }[] = []
  let timer: NodeJS.Timeout | undefined
  let announcing = false

  function announce(): void {
    if (announcing) return
    announcing = true
    // Once per turn of the event loop: a group commit makes many events visible at once.
    setImmediate(() => {
      announcing = false
      for (const listener of [...listeners]) listener()
    })
  }

  function drain(): void {
    timer = undefined
    for (let next = queue[0]; next && next.dueMs <= performance.now(); next = queue[0]) {
      queue.shift()
      advance(next.count, next.onIndexed)
    }
    const [next] = queue
    if (next) timer = setTimeout(drain, Math.max(1, next.dueMs - performance.now()))
  }

  function advance(count: number, onIndexed: () => void): void {
    for (; indexed < count; indexed += 1) {
      const entry = log[indexed]
      if (entry) publish(entry)
    }
    onIndexed()
    announce()
  }

  return {
    count: () => indexed,
    durable(count, onIndexed) {
      if (delayMs === 0 && queue.length === 0) {
        advance(count, onIndexed)
        return
      }
      queue.push({ count, onIndexed, dueMs: performance.now() + delayMs })
      timer ??= setTimeout(drain, delayMs)
    },
    onAdvance(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    setDelay(ms) {
      delayMs = ms
      if (ms > 0) return
      clearTimeout(timer)
      for (let next = queue.shift(); next; next = queue.shift()) advance(next.count, next.onIndexed)
      timer = undefined
    },
    close() {
      clearTimeout(timer)
      queue.length = 0
      listeners.clear()
    },
  }
}
