import { resultEventSchema } from '@holdfast/contracts'
import { pause, pauseMs, retryAfterMsOf } from '../backoff.ts'
import { asError, errorOf, HoldfastProblem, type ProblemDocument } from '../errors.ts'
import { problemIn } from '../judge.ts'
import type { ResolvedOptions } from '../options.ts'
import { ConsumptionFailure, createDelivery, orFail, type ConsumeOptions, type Delivery } from './delivery.ts'
import { readEvents } from './event-stream.ts'

/** How `GET /results` is consumed. */
export interface ConsumeResultsOptions<Command extends string = string> extends ConsumeOptions<Command> {
  /** A checkpoint to go on behind. Default: from the beginning of the history. */
  readonly after?: string
  /** Silence for so long is a broken connection: longer than the gateway's heartbeat. Default 60,000. */
  readonly idleTimeoutMs?: number
  /** Called before each pause after which the connection is taken up again. */
  readonly onReconnect?: (notice: ReconnectNotice) => void
}

export interface ReconnectNotice {
  readonly delayMs: number
  readonly cause: ProblemDocument | Error
}

const defaultIdleTimeoutMs = 60_000

/**
 * Consumes results as server-sent events until the signal ends it. A connection that breaks, ends or falls silent is taken up
 * again behind the last result that was handled, with back-off, for as long as it takes.
 *
 * @throws HoldfastProblem when the gateway refuses for good (an unknown position, no API key); what the handler or the
 *   checkpoint callback threw; TypeError for options that cannot be meant
 */
export async function consumeResults(options: ResolvedOptions, consume: ConsumeResultsOptions): Promise<void> {
  const { signal } = consume
  const delivery = createDelivery(consume)
  const place: Place = { after: consume.after, retryMs: 0, retries: 0 }
  while (signal?.aborted !== true) {
    const broken = await connectOnce(options, consume, { delivery, place })
    if (broken === undefined) return
    const delayMs = pauseMs(options.retry, {
      retries: place.retries,
      retryAfterMs: Math.max(place.retryMs, broken.retryAfterMs ?? 0),
    })
    place.retries += 1
    consume.onReconnect?.({ delayMs, cause: broken.cause })
    await pause(delayMs, signal).catch(() => undefined)
  }
}

/** Where the consumption stands, across its connections. */
interface Place {
  after: string | undefined
  /** What the gateway's `retry` field asks for. */
  retryMs: number
  /** Connections since the last one that brought anything. */
  retries: number
}

interface Broken {
  readonly cause: ProblemDocument | Error
  readonly retryAfterMs: number | undefined
}

interface State {
  readonly delivery: Delivery
  readonly place: Place
}

/** One connection, to its end; undefined when the caller has ended it. */
async function connectOnce(
  options: ResolvedOptions,
  consume: ConsumeResultsOptions,
  { delivery, place }: State,
): Promise<Broken | undefined> {
  const { signal, idleTimeoutMs = defaultIdleTimeoutMs } = consume
  const leaving = new AbortController()
  const leave = (): void => {
    leaving.abort(signal?.reason)
  }
  signal?.addEventListener('abort', leave, { once: true })
  try {
    const response = await openStream(options, consume, { after: place.after, signal: leaving.signal })
    if (!(response instanceof Response)) return response
    if (response.body === null) throw new Error('the answer has no body')
    for await (const item of readEvents(response.body, { idleTimeoutMs, signal: leaving.signal })) {
      if (item.kind === 'retry') {
        place.retryMs = item.retryMs
        continue
      }
      if (item.kind === 'event') {
        await delivery.handle(await orFail(() => resultEventSchema.parse(JSON.parse(item.data))))
      }
      place.retries = 0
      if (item.id === undefined) continue
      place.after = item.id
      await delivery.checkpoint(item.id)
      if (signal?.aborted === true) return undefined
    }
    return { cause: new Error('the gateway has ended the stream'), retryAfterMs: undefined }
  } catch (error) {
    if (error instanceof ConsumptionFailure) throw error.cause
    if (signal?.aborted === true) return undefined
    if (error instanceof HoldfastProblem) throw error
    return { cause: asError(error), retryAfterMs: undefined }
  } finally {
    signal?.removeEventListener('abort', leave)
    leaving.abort()
  }
}

interface Opening {
  readonly after: string | undefined
  readonly signal: AbortSignal
}

/** The open stream, or why it could not be opened this time. @throws HoldfastProblem when it is refused for good */
async function openStream(
  options: ResolvedOptions,
  { commands = [], outcomes = [] }: ConsumeResultsOptions,
  { after, signal }: Opening,
): Promise<Response | Broken> {
  const query = new URLSearchParams([
    ...commands.map((command) => ['command', command] as [string, string]),
    ...outcomes.map((outcome) => ['outcome', outcome] as [string, string]),
  ])
  const headers = await options.commonHeaders()
  headers.set('accept', 'text/event-stream')
  if (after !== undefined) headers.set('last-event-id', after)
  const url = `${options.baseUrl}/results${query.size === 0 ? '' : `?${query.toString()}`}`
  const opening = new AbortController()
  const timer = setTimeout(() => {
    opening.abort(new Error(`no answer in ${options.retry.attemptTimeoutMs} ms`))
  }, options.retry.attemptTimeoutMs)
  const request = new Request(url, { headers, signal: AbortSignal.any([signal, opening.signal]) })
  let response: Response
  try {
    response = await options.fetch(request)
  } finally {
    clearTimeout(timer)
  }
  const { status } = response
  if (status === 200 && response.headers.get('content-type')?.startsWith('text/event-stream') === true) return response
  const problem = problemIn({ kind: 'answer', status, headers: response.headers, text: await response.text() })
  if (!problem.retryable) throw errorOf(problem, { attempts: 1 })
  return { cause: problem, retryAfterMs: retryAfterMsOf(response.headers) }
}
