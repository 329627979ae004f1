/** Position of the last durable event, and who waits for it to move. */
export interface Head {
  readonly position: number
  moveTo(position: number): void
  /** Wakes everyone, whether it moved or not. */
  wakeAll(): void
  /** `wake` is called once for each time the head moved since, moves within one turn of the event loop taken together. */
  watch(wake: () => void): () => void
}

export function createHead(): Head {
  const watchers = new Set<() => void>()
  let position = 0
  let scheduled = false

  function wakeAll(): void {
    scheduled = false
    for (const wake of watchers) wake()
  }

  return {
    get position() {
      return position
    },
    moveTo: (next) => {
      if (next <= position) return
      position = next
      if (scheduled || watchers.size === 0) return
      scheduled = true
      setImmediate(wakeAll)
    },
    wakeAll,
    watch: (wake) => {
      watchers.add(wake)
      return () => {
        watchers.delete(wake)
      }
    },
  }
}
