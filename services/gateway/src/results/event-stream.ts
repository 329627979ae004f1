import type { ServerResponse } from 'node:http'
import type { ResultEvent } from '@holdfast/contracts'
import type { PlacedResult, ResultBatch } from '@holdfast/core'

export interface EventStreamOptions {
  readonly response: ServerResponse
  /** Ends when `ended` fires. */
  readonly batches: AsyncIterator<ResultBatch>
  /** What the first `batches.next()` answers; it may be on its way. */
  readonly first: Promise<IteratorResult<ResultBatch>>
  /** Fires when the consumer has left, and at shutdown. */
  readonly ended: AbortSignal
  /** Milliseconds between two signs of life. */
  readonly heartbeatMs: number
  /** A consumer that takes nothing for so long is cut, milliseconds. */
  readonly stallMs: number
  readonly onSent: (result: PlacedResult) => void
}

/** How soon a consumer comes back when the connection breaks, milliseconds. */
const reconnectMs = 1_000

/**
 * Writes results as server-sent events until `ended` fires, or the consumer stops taking: then it answers 'slow', and the
 * caller cuts the connection. No more waits in this process for one consumer than a batch of the feed.
 *
 * A heartbeat is a comment; with an id, but no event, when the place has moved past results that were filtered out: a
 * consumer that saves the id does not have to look through them again.
 *
 * @throws whatever the feed throws
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function writeEventStream(options: EventStreamOptions): Promise<'ended' | 'slow'> {
  const { response, batches, ended, onSent } = options
  let place: string | undefined
  let told: string | undefined
  const heartbeat = setInterval(() => {
    if (response.writableNeedDrain || ended.aborted) return
    response.write(place === told ? ': heartbeat\n\n' : `: heartbeat\nid: ${place}\n\n`)
    told = place
  }, options.heartbeatMs)
  try {
    response.write(`retry: ${reconnectMs}\n\n`)
    for (let step = await options.first; step.done !== true; step = await batches.next()) {
      for (const result of step.value.results) {
        if (ended.aborted) return 'ended'
        const goesOn = response.write(serverSentEvent(result))
        place = told = result.place
        onSent(result)
        if (!goesOn && !(await drained(options))) return ended.aborted ? 'ended' : 'slow'
      }
      place = step.value.place
    }
    return 'ended'
  } finally {
    clearInterval(heartbeat)
  }
}

/** As text; made once for all consumers of a result. */
const texts = new WeakMap<ResultEvent, string>()

/** JSON has no line break outside of its strings, and in them none that is not escaped. */
function serverSentEvent({ event, place }: PlacedResult): string {
  const text = texts.get(event) ?? `id: ${place}\nevent: ${event.data.outcome}\ndata: ${JSON.stringify(event)}\n\n`
  texts.set(event, text)
  return text
}

/** Resolves with true when the socket takes more; with false when it does not in time, or has ended. */
function drained({ response, ended, stallMs }: EventStreamOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (more: boolean): void => {
      clearTimeout(late)
      response.off('drain', onDrain)
      ended.removeEventListener('abort', onEnd)
      resolve(more)
    }
    const onDrain = (): void => {
      settle(true)
    }
    const onEnd = (): void => {
      settle(false)
    }
    const late = setTimeout(onEnd, stallMs)
    response.once('drain', onDrain)
    ended.addEventListener('abort', onEnd, { once: true })
    if (ended.aborted) onEnd()
  })
}
