import type { App, ResultBatch, ResultFeed } from '@holdfast/core'
import { ResultPlaceError } from '@holdfast/core'
import type { ConsumerEnd, ResultMetrics } from '@holdfast/observability'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { writeEventStream } from '../results/event-stream.ts'
import { parseResultQuery, unknownPosition } from '../results/result-query.ts'
import type { Authenticate } from './authenticate.ts'
import { ProblemError } from './problem-error.ts'

export interface ResultRouteOptions {
  readonly app: App
  readonly feed: ResultFeed
  readonly authenticate: Authenticate
  readonly metrics: ResultMetrics
  /** Fires when a shutdown begins: consumers are sent away, and come back to another gateway, or to the next process. */
  readonly stopping: AbortSignal
  readonly maxConsumers: number
  readonly heartbeatMs: number
  readonly stallMs: number
}

/**
 * How long an answer waits for the feed's first word, milliseconds. A position that is not one is found out before that;
 * a store that has nothing to say at all may stay silent.
 */
const firstWordMs = 2_000

/** `GET /results`: outcomes and releases of the caller's own tenant as server-sent events, from any position on. */
export function addResultRoutes(fastify: FastifyInstance, options: ResultRouteOptions): void {
  const { app, feed, authenticate, metrics, stopping, maxConsumers } = options
  let consumers = 0

  async function consume(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const tenant = authenticate(request)
    const { filter, after } = parseResultQuery(app, request)
    if (stopping.aborted) throw new ProblemError('unavailable', 'The gateway is shutting down.')
    if (consumers >= maxConsumers) throw new ProblemError('too-many-consumers', 'As many read the results as may.')
    const left = new AbortController()
    const { raw } = reply
    raw.once('close', () => {
      left.abort()
    })
    const signal = AbortSignal.any([left.signal, stopping])
    consumers += 1
    metrics.consumerCame()
    let why: ConsumerEnd = 'fault'
    try {
      const batches = feed
        .subscribe({ ...filter, tenant, signal, ...(after !== undefined && { after }) })
        [Symbol.asyncIterator]()
      const first = batches.next()
      await firstWord(first)
      raw.writeHead(200, headersOf(reply))
      // Not before: what throws until here is answered by Fastify.
      void reply.hijack()
      const end = await writeEventStream({
        ...options,
        response: raw,
        batches,
        first,
        ended: signal,
        onSent: (result) => {
          metrics.sent(result.event.data.outcome)
        },
      })
      why = end === 'slow' ? end : stopping.aborted ? 'shutdown' : 'left'
    } catch (error) {
      if (!raw.headersSent) throw error instanceof ResultPlaceError ? unknownPosition() : error
      request.log.warn({ err: error }, 'the results have broken off')
    } finally {
      left.abort()
      consumers -= 1
      metrics.consumerWent(why)
    }
    // What is cut, or has broken off, must not look like an end.
    if (why === 'shutdown') raw.end()
    else raw.destroy()
    return reply
  }

  fastify.get('/results', { exposeHeadRoute: false }, consume)
}

/** Waits for the first batch, or that it cannot be had. @throws what the feed throws */
async function firstWord(first: Promise<IteratorResult<ResultBatch>>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, firstWordMs)
  })
  try {
    await Promise.race([first, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Those that hooks have set, and those of an event stream. A proxy must not hold anything back. */
function headersOf(reply: FastifyReply): Record<string, string> {
  const set = Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)] as const)
  return {
    ...Object.fromEntries(set),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    // Such an answer is the last one of its connection.
    connection: 'close',
  }
}
