import { resultsOf, type CommandTransport, type Dispatch, type EventStore } from '@holdfast/core'
import type { KafkaResultPublisher } from '@holdfast/transport-kafka'

/**
 * A handler whose commands count as done when their results are published, and the dead letters of those that failed: for
 * those that come from the event store and
 * not from Kafka, where the offset waits for that.
 */
export function publishing(
  handler: CommandTransport,
  { store, publisher }: { readonly store: EventStore; readonly publisher: KafkaResultPublisher },
): CommandTransport {
  return {
    dispatch(envelope): Dispatch {
      const dispatch = handler.dispatch(envelope)
      return {
        durable: () => dispatch.durable(),
        attempts: () => dispatch.attempts(),
        resolution: dispatch.resolution.then(async (resolution) => {
          await publisher.publish(await resultsOf(store, envelope, resolution))
          // A replay of a failure is not another failure.
          if (
            resolution.kind === 'outcome' &&
            resolution.outcome === 'failed' &&
            resolution.attemptId === envelope.attemptId
          )
            await publisher.deadLetter(envelope, { reason: 'command-failed', detail: resolution.response.body })
          return resolution
        }),
      }
    },
    ready: () => handler.ready(),
    close: () => handler.close(),
  }
}
