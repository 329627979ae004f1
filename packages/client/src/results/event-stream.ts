import { createParser } from 'eventsource-parser'

/** What a stream of server-sent events brings: an event, or an id alone, or how soon to come back. */
export type StreamItem =
  | { readonly kind: 'event'; readonly id: string | undefined; readonly data: string }
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'retry'; readonly retryMs: number }

export interface ReadOptions {
  /** Silence for so long is a broken connection, milliseconds. */
  readonly idleTimeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads server-sent events, one at a time: while an item is being worked on nothing more is read, so that a slow consumer
 * slows the sender down in place of filling memory. Ends when the stream does.
 *
 * @throws the connection's error, or an Error when it is silent for too long; the signal's reason
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  { idleTimeoutMs, signal }: ReadOptions,
): AsyncGenerator<StreamItem, void, undefined> {
  let items: StreamItem[] = []
  const parser = createParser({
    onId: (id) => items.push({ kind: 'id', id }),
    onEvent: ({ id, data }) => items.push({ kind: 'event', id, data }),
    onRetry: (retryMs) => items.push({ kind: 'retry', retryMs }),
  })
  const decoder = new TextDecoder()
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read(), { idleTimeoutMs, signal })
      if (done) return
      parser.feed(decoder.decode(value, { stream: true }))
      const [read, rest] = [items, []]
      items = rest
      yield* withoutDoubledIds(read)
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

/** The parser tells an event's id twice: alone, and with the event. Before the event is handled it must not count. */
function* withoutDoubledIds(items: readonly StreamItem[]): Generator<StreamItem> {
  for (const [at, item] of items.entries()) {
    const next = items[at + 1]
    if (item.kind === 'id' && next?.kind === 'event' && next.id === item.id) continue
    yield item
  }
}

async function inTime<T>(work: Promise<T>, { idleTimeoutMs, signal }: ReadOptions): Promise<T> {
  signal?.throwIfAborted()
  let stop = (): void => undefined
  const limits = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`nothing came for ${idleTimeoutMs} ms, no sign of life either`))
    }, idleTimeoutMs)
    const onAbort = (): void => {
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    stop = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  })
  try {
    return await Promise.race([work, limits])
  } finally {
    stop()
  }
}
