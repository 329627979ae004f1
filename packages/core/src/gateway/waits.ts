import type { Clock } from '../ports/clock.ts'

/** What a wait comes to that took too long, or was given up. */
export const late = Symbol('late')

interface Wait {
  readonly giveUp: () => void
  /** Its place in the list; -1 for none. */
  at: number
}

/** Everybody who waits for something, each with a time limit; all can be made to give up. */
export class Waits {
  readonly #clock: Clock
  /** A list without gaps and without order. Not a `Set`, for the reason that `KeyTable` is no `Map`. */
  readonly #open: Wait[] = []
  #draining = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From now on nobody waits, but for what has come by now. */
  drain(): void {
    this.#draining = true
    for (const { giveUp } of [...this.#open]) giveUp()
  }

  /**
   * What `work` comes to, or {@link late}. `evenWhenDraining`: this wait goes by the clock alone.
   *
   * Plain callbacks, since `Promise.race` with a promise that outlives the request would keep each request in memory.
   */
  within<T>(
    work: Promise<T>,
    waitMs: number,
    options?: { readonly evenWhenDraining: boolean },
  ): Promise<T | typeof late> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        stop()
        resolve(late)
      }
      const cancel = this.#clock.schedule(waitMs, giveUp)
      const wait: Wait = { giveUp, at: -1 }
      const stop = (): void => {
        cancel()
        this.#remove(wait)
      }
      work.then(
        (value) => {
          stop()
          resolve(value)
        },
        (error: unknown) => {
          stop()
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      )
      if (options?.evenWhenDraining !== true) {
        wait.at = this.#open.push(wait) - 1
        // Behind `work.then`: what has settled before is not given up.
        if (this.#draining) queueMicrotask(giveUp)
      }
    })
  }

  #remove(wait: Wait): void {
    if (wait.at === -1) return
    const last = this.#open.pop()
    if (last !== undefined && last !== wait) {
      this.#open[wait.at] = last
      last.at = wait.at
    }
    wait.at = -1
  }
}
