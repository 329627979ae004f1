import { createRequire } from 'node:module'
import { speedUpEncoder } from './kafkajs-encoder.ts'

/** KafkaJS 2.2.4, `src/network/requestQueue/index.js`, as far as it is touched here. */
interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

const checkIntervalMs = 10

/**
 * KafkaJS schedules its next check of waiting requests also when none waits, with a delay of minus the present time.
 * Node 24 prints a `TimeoutNegativeWarning` for it and takes 1 ms, so that an idle connection runs a timer a thousand
 * times a second (about 2 % of a core). Here nothing is scheduled while nothing waits: a request that has to wait
 * schedules the check itself.
 *
 * @see https://github.com/tulios/kafkajs/issues/1751 and the open pull request 1755; KafkaJS has had no release since.
 */
function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return
  const throttledMs = this.throttledUntil - Date.now()
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    throttledMs > 0 ? throttledMs : checkIntervalMs,
  )
}

/** Applies the work-arounds, once per process. The version of KafkaJS is pinned: they reach into it. */
export function applyWorkarounds(): void {
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueue }
  prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests
  speedUpEncoder()
}
