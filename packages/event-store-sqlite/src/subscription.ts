import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EventBatch, SubscribeOptions } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import type { Head } from './head.ts'
import type { Reader } from './reader.ts'

/** Bounds the time that reading a page takes from the event loop: some milliseconds. */
const largestPage = 500

export interface SubscriptionSource {
  readonly reader: Reader
  readonly head: Head
  /** @throws EventStoreError `closed` */
  readonly assertOpen: () => void
}

/**
 * Reads the global order page by page up to the head, then waits for the head to move. Between two pages the event loop
 * gets its turn: catching up on millions of events starves nobody.
 *
 * @throws EventStoreError `closed` when the store is closed before the signal fires; `corrupt` when `after` lies past the
 *   end of the store
 */
export async function* subscription(source: SubscriptionSource, options: SubscribeOptions): AsyncGenerator<EventBatch> {
  const { signal } = options
  const { reader, head } = source
  const types = options.types === undefined ? undefined : new Set(options.types)
  const limit = Math.max(1, Math.min(options.maxBatch ?? largestPage, largestPage))
  const alarm = createAlarm()
  const unwatch = head.watch(alarm.ring)
  signal.addEventListener('abort', alarm.ring, { once: true })
  try {
    let after = Number(options.after ?? 0n)
    for (let first = true; !signal.aborted; first = false) {
      source.assertOpen()
      if (first) assertWithin(after, head.position)
      if (!first && after >= head.position) {
        await alarm.wait()
        continue
      }
      const upTo = head.position
      const page = reader.page({ after, upTo, prefix: options.prefix, types, limit })
      after = page.position
      yield { events: page.events, position: BigInt(after), caughtUp: after >= head.position }
      if (after < head.position) await nextTurn()
    }
  } finally {
    unwatch()
    signal.removeEventListener('abort', alarm.ring)
  }
}

/** A checkpoint that is ahead would hide what is appended from now on, silently. */
function assertWithin(after: number, head: number): void {
  if (after <= head) return
  throw new EventStoreError(
    'corrupt',
    `position ${after} lies past the end of the event store (${head}): the store is an older copy than what was read ` +
      'from it. Restore the newer one, or reset the reader, so that it reads from the beginning',
  )
}

/** Rings once for whoever waits, or for the next who does. */
function createAlarm(): { readonly ring: () => void; readonly wait: () => Promise<void> } {
  let rung = false
  let wake: (() => void) | undefined
  return {
    ring: () => {
      rung = true
      wake?.()
    },
    wait: async () => {
      if (!rung) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        wake = undefined
      }
      rung = false
    },
  }
}
