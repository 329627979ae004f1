import type { AllStreamResolvedEvent, EventStoreDBClient, Position } from '@eventstore/db-client'
import { START } from '@eventstore/db-client'
import type { SubscribeOptions } from '@holdfast/core'
import { serverFilter } from './subscription-filter.ts'

/** What has come of a subscription since the last look. */
export interface SourceStep {
  readonly events: readonly AllStreamResolvedEvent[]
  /** Everything up to here was given or filtered out; set only when no event waits any more. */
  readonly checkpoint: Position | undefined
  /** The server has said that it has nothing more, and no event waits here. */
  readonly caughtUp: boolean
}

/** One subscription of the client, read step by step. */
export interface SubscriptionSource {
  /** Waits until there is something to tell, or the signal fires. @throws when the subscription has failed or ended */
  next(signal: AbortSignal): Promise<SourceStep>
  stop(): void
}

export interface SourceOptions {
  readonly client: EventStoreDBClient
  readonly wanted: SubscribeOptions
  /** The exact position of a record; what is after it is given. */
  readonly after: bigint | undefined
  readonly maxBatch: number
  readonly maxSearchWindow: number
  /** How long the server may take to confirm. */
  readonly confirmTimeoutMs: number
}

/**
 * Opens a subscription. It is read with `read()`: while nobody reads, its buffer (one batch) fills, the client stops
 * taking from the call, and the server stops sending.
 *
 * The client tells of checkpoints and of having caught up on the way *into* that buffer, so before the events that are
 * in it are read: both are held back until the buffer is empty. Else a crash between would lose those events.
 */
export function openSubscriptionSource(options: SourceOptions): SubscriptionSource {
  let checkpoint: Position | undefined
  let live = false
  let tellCaughtUp = false
  let confirmed = false
  let failure: Error | undefined
  let wake = (): void => undefined
  const changed = (): void => {
    wake()
  }

  const subscription = options.client.subscribeToAll(
    {
      fromPosition: options.after === undefined ? START : { commit: options.after, prepare: options.after },
      requiresLeader: true,
      filter: serverFilter(options.wanted, {
        maxSearchWindow: options.maxSearchWindow,
        onCheckpoint(position) {
          checkpoint = position
          changed()
        },
      }),
    },
    { highWaterMark: options.maxBatch },
  )
  subscription.on('confirmation', () => {
    confirmed = true
  })
  subscription.on('caughtUp', () => {
    live = true
    tellCaughtUp = true
    changed()
  })
  subscription.on('fellBehind', () => {
    live = false
  })
  subscription.on('readable', changed)
  subscription.on('end', () => {
    failure ??= new Error('the server has ended the subscription')
    changed()
  })
  // Stays attached when the subscription is stopped: what fails later must not be an uncaught error.
  subscription.on('error', (error: Error) => {
    failure ??= error
    changed()
  })
  const confirmation = setTimeout(() => {
    if (!confirmed) failure ??= new Error(`not confirmed within ${options.confirmTimeoutMs} ms`)
    changed()
  }, options.confirmTimeoutMs)

  function take(): SourceStep | undefined {
    const events: AllStreamResolvedEvent[] = []
    while (events.length < options.maxBatch) {
      const event = subscription.read() as AllStreamResolvedEvent | null
      if (event === null) break
      events.push(event)
    }
    const isEmpty = subscription.readableLength === 0
    const reached = isEmpty ? checkpoint : undefined
    if (events.length === 0 && !reached && !(isEmpty && tellCaughtUp)) return undefined
    if (isEmpty) {
      checkpoint = undefined
      tellCaughtUp = false
    }
    return { events, checkpoint: reached, caughtUp: isEmpty && live }
  }

  return {
    async next(signal) {
      for (;;) {
        if (signal.aborted) return { events: [], checkpoint: undefined, caughtUp: false }
        const step = take()
        if (step) return step
        if (failure) throw failure
        await new Promise<void>((resolve) => {
          wake = resolve
          signal.addEventListener('abort', changed, { once: true })
        })
        signal.removeEventListener('abort', changed)
      }
    },
    stop() {
      clearTimeout(confirmation)
      // It waits for the call to be made, which may fail or never come about.
      void subscription.unsubscribe().catch(() => undefined)
    },
  }
}
