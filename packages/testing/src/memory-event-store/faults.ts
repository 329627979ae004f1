import type { ExpectedRevision, NewEvent } from '@holdfast/core'

/**
 * What goes wrong with one append.
 * - `unavailable`: refused, surely not written
 * - `unknown-not-written`, `unknown-written`: the answer is `unknown-outcome` either way
 * - `crash-before`, `crash-after`: the process dies, before or after the write reached the disk; it learns nothing
 */
export type AppendFault = 'unavailable' | 'unknown-not-written' | 'unknown-written' | 'crash-before' | 'crash-after'

export interface PendingAppend {
  readonly stream: string
  readonly events: readonly NewEvent[]
  readonly expectedRevision: ExpectedRevision
}

/** Runs before an append is looked at; what it returns goes wrong with it. */
export type AppendHook = (append: PendingAppend) => AppendFault | undefined | Promise<AppendFault | undefined>

/** How a test makes trouble. It concerns one open store, that is one process, not the log behind it. */
export interface StoreFaults {
  /** The next append meets this; several calls queue up, one append each. */
  failNextAppend(fault: AppendFault): void
  /** The next append waits for the hook: a rival may write first. Queues up with `failNextAppend`. */
  beforeNextAppend(hook: AppendHook): void
  /** From now on appends wait; the returned function releases them, in their order. */
  holdAppends(): () => void
  /** Appends that are held now. */
  readonly held: number
  /** While true, everything fails with `unavailable`. */
  down: boolean
  /** The process dies: nothing it has under way or tries later reaches the log, and it hears of nothing any more. */
  crash(): void
  /** True after a crash. */
  readonly crashed: boolean
}

/** The part of the faults that the store asks. */
export interface FaultPoint {
  readonly controls: StoreFaults
  /** Resolves when an append may go on, with its fault. */
  readonly beforeAppend: (append: PendingAppend) => Promise<AppendFault | undefined>
}

export function createFaults(): FaultPoint {
  const hooks: AppendHook[] = []
  let gate: PromiseWithResolvers<void> | undefined
  let held = 0
  let crashed = false
  const controls: StoreFaults = {
    failNextAppend: (fault) => {
      hooks.push(() => fault)
    },
    beforeNextAppend: (hook) => {
      hooks.push(hook)
    },
    holdAppends: () => {
      const mine = (gate ??= Promise.withResolvers<void>())
      return () => {
        if (gate === mine) gate = undefined
        mine.resolve()
      }
    },
    get held() {
      return held
    },
    down: false,
    crash: () => {
      crashed = true
    },
    get crashed() {
      return crashed
    },
  }
  return {
    controls,
    beforeAppend: async (append) => {
      if (gate !== undefined) {
        held++
        await gate.promise
        held--
      }
      return hooks.shift()?.(append)
    },
  }
}
