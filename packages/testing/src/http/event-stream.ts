import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { joined } from './send.ts'

/** A server-sent event, or the id alone that a heartbeat brings: then there is no `data`. */
export interface StreamedEvent {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string | undefined
}

export interface EventStreamRequest {
  /** Origin: `http://127.0.0.1:8080`. */
  readonly url: string
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
}

/** An answer that is read event by event. Disposing it breaks the connection. */
export interface EventStream extends Disposable {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Comments so far, in the order in which they came, without the colon. */
  readonly comments: readonly string[]
  /**
   * The next event; undefined when the server has ended the stream.
   *
   * @throws Error when the connection breaks, or nothing comes in time
   */
  next(timeoutMs?: number): Promise<StreamedEvent | undefined>
  /** Stops reading, so that the sender's buffers fill. */
  pause(): void
  resume(): void
}

const defaultTimeoutMs = 30_000

/**
 * Opens `text/event-stream`. Reads what the format allows a server of ours to send: one line for each field, LF at the
 * ends of lines.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function openEventStream({ url, path, headers }: EventStreamRequest): Promise<EventStream> {
  const { hostname, port } = new URL(url)
  const outgoing = request({ hostname, port, path, agent: false, headers: { accept: 'text/event-stream', ...headers } })
  outgoing.end()
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.once('error', reject)
  })
  // What breaks later is told by `next`.
  outgoing.on('error', () => undefined)
  const waiting: StreamedEvent[] = []
  const comments: string[] = []
  let text = ''
  let ended: 'ended' | Error | undefined
  let wake = (): void => undefined
  incoming.setEncoding('utf8')
  incoming.on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const event = parse(text.slice(0, end), comments)
      if (event !== undefined) waiting.push(event)
      text = text.slice(end + 2)
    }
    wake()
  })
  incoming.once('end', () => {
    ended ??= 'ended'
    wake()
  })
  incoming.once('error', (error) => {
    ended ??= error
    wake()
  })
  return {
    status: incoming.statusCode ?? 0,
    headers: joined(incoming.rawHeaders),
    comments,
    async next(timeoutMs = defaultTimeoutMs) {
      const late = new Error(`no event of ${path} in ${timeoutMs} ms`)
      const timer = setTimeout(() => {
        ended ??= late
        wake()
      }, timeoutMs)
      try {
        while (waiting.length === 0 && ended === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      } finally {
        clearTimeout(timer)
      }
      const [first] = waiting.splice(0, 1)
      if (first !== undefined || ended === 'ended') return first
      throw ended ?? late
    },
    pause: () => {
      incoming.pause()
    },
    resume: () => {
      incoming.resume()
    },
    [Symbol.dispose]() {
      outgoing.destroy()
    },
  }
}

function parse(block: string, comments: string[]): StreamedEvent | undefined {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon === 0) comments.push(line.slice(1).trim())
    else fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''))
  }
  const [id, event, data] = [fields.get('id'), fields.get('event'), fields.get('data')]
  return id === undefined && data === undefined ? undefined : { id, event, data }
}
