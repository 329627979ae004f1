import {
  resultsOf,
  type CommandEnvelope,
  type CommandTransport,
  type Dispatch,
  type EventStore,
  type Resolution,
} from '@holdfast/core'
import type { KafkaResultPublisher } from '@holdfast/transport-kafka'

/** At least once is what is promised; this many attempts are not published a second time by the process that did. */
const mostRemembered = 10_000

/**
 * A handler whose commands count as done when their results are published, and the dead letters of those that failed: for
 * those that come from the event store and
 * not from Kafka, where the offset waits for that.
 */
export function publishing(
  handler: CommandTransport,
  { store, publisher }: { readonly store: EventStore; readonly publisher: KafkaResultPublisher },
): CommandTransport {
  /** Attempts whose results and dead letters this process has published, so that it does not do so at each look. */
  const told = new Set<string>()
  const tell = async (envelope: CommandEnvelope, resolution: Resolution): Promise<void> => {
    if (told.has(envelope.attemptId)) return
    await publisher.publish(await resultsOf(store, envelope, resolution))
    // A replay of a failure is not another failure, unless it is a replay of this attempt's own.
    const mine = resolution.kind === 'outcome' && resolution.attemptId === envelope.attemptId
    if (mine && resolution.outcome === 'failed')
      await publisher.deadLetter(envelope, { reason: 'command-failed', detail: resolution.response.body })
    if (told.size >= mostRemembered) told.clear()
    told.add(envelope.attemptId)
  }
  return {
    dispatch(envelope): Dispatch {
      const dispatch = handler.dispatch(envelope)
      return {
        durable: () => dispatch.durable(),
        attempts: () => dispatch.attempts(),
        resolution: dispatch.resolution.then(async (resolution) => {
          await tell(envelope, resolution)
          return resolution
        }),
      }
    },
    ready: () => handler.ready(),
    close: () => handler.close(),
  }
}
