import { resultEventSchema, type ResultEvent } from '@holdfast/contracts'
import { openEventStream, type EventStream } from '@holdfast/testing/http'
import { expect } from 'vitest'

export interface ResultsRequest {
  readonly url: string
  /** Default: none. */
  readonly query?: string
  readonly apiKey?: string
  readonly lastEventId?: string
}

export interface SeenResult {
  /** Position, as the server said it. */
  readonly id: string
  readonly event: ResultEvent
}

/** A consumer of `GET /results`. Each result is checked against the schema as it is read. */
export interface Results extends Disposable {
  readonly stream: EventStream
  /** The next result. @throws Error when there is none in time, or the connection has ended */
  next(timeoutMs?: number): Promise<SeenResult>
  /** The next one for which `wanted` is true; others are passed over. */
  find(wanted: (event: ResultEvent) => boolean): Promise<SeenResult>
}

export async function openResults({ url, query = '', apiKey, lastEventId }: ResultsRequest): Promise<Results> {
  const stream = await openEventStream({
    url,
    path: `/results${query}`,
    headers: {
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
  })
  expect(stream.status).toBe(200)
  const next: Results['next'] = async (timeoutMs) => {
    for (;;) {
      const seen = await stream.next(timeoutMs)
      if (seen === undefined) throw new Error('the stream has ended')
      if (seen.data === undefined) continue
      const event = resultEventSchema.parse(JSON.parse(seen.data))
      expect(seen.event).toBe(event.data.outcome)
      expect(seen.id).toMatch(/^\d+$/)
      return { id: seen.id ?? '', event }
    }
  }
  return {
    stream,
    next,
    async find(wanted) {
      for (;;) {
        const seen = await next()
        if (wanted(seen.event)) return seen
      }
    },
    [Symbol.dispose]: () => {
      stream[Symbol.dispose]()
    },
  }
}

/** Reads until `count` results for which `wanted` is true have come, and returns these. */
export async function takeResults(
  results: Results,
  count: number,
  wanted: (event: ResultEvent) => boolean = () => true,
): Promise<readonly SeenResult[]> {
  const taken: SeenResult[] = []
  while (taken.length < count) taken.push(await results.find(wanted))
  return taken
}
