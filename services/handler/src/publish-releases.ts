import { carryResults, createStoreResultFeed, type Checkpoints, type Clock, type EventStore } from '@holdfast/core'
import type { Logger } from '@holdfast/observability'
import type { KafkaCommandConsumer, KafkaResultPublisher } from '@holdfast/transport-kafka'

export interface PublishReleasesOptions {
  readonly store: EventStore & { readonly checkpoints: Checkpoints }
  readonly consumer: Pick<KafkaCommandConsumer, 'holds'>
  readonly publisher: KafkaResultPublisher
  readonly clock: Clock
  readonly log: Logger
  /** Ends it. */
  readonly signal: AbortSignal
}

/** Whoever holds this partition of the commands does what one handler of the group has to do. */
const leadersPartition = 0
const lookAgainMs = 250

/**
 * Releases are no commands: nobody's offset waits for their publication. So one handler of the group follows them in the
 * event store, with a checkpoint that moves behind what is published. When it dies the next one goes on from there; when
 * two do it for a moment, results come twice, under the same ids.
 */
export async function publishReleases(options: PublishReleasesOptions): Promise<void> {
  const { store, consumer, publisher, clock, log, signal } = options
  const feed = createStoreResultFeed({
    store,
    onUnreadable: ({ stream }, error) => {
      log.error({ err: error, stream }, 'a release cannot be understood, and is not published')
    },
  })
  while (!signal.aborted) {
    const lost = consumer.holds(leadersPartition)
    if (lost === undefined || lost.aborted) {
      await clock.sleep(lookAgainMs, signal)
      continue
    }
    await carryResults({
      feed,
      filter: { outcomes: ['released'] },
      publish: (results) => publisher.publish(results),
      checkpoints: store.checkpoints,
      name: 'published-releases',
      clock,
      signal: AbortSignal.any([signal, lost]),
      onFault: (error) => {
        log.warn({ err: error }, 'releases could not be published; it is tried again')
      },
    })
  }
}
