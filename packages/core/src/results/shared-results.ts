import {
  matchesFilter,
  type PlacedResult,
  type ResultBatch,
  type ResultFeed,
  type ResultSubscription,
} from '../ports/result-feed.ts'

/** What is kept for consumers that are a little behind: so many results, and so many characters of their responses. */
const maxKept = 1_000
const maxKeptCharacters = 8 * 1024 * 1024

/**
 * One subscription for all consumers that have caught up: however many there are, each event is read and understood once.
 * A consumer reads on its own until it has caught up, and again when it falls behind what is kept.
 *
 * `feed` is backed by the event store: its places are positions.
 */
export function shareResults(feed: ResultFeed): ResultFeed {
  const live = new LiveResults(feed)
  return { subscribe: (subscription) => subscribe(feed, live, subscription) }
}

async function* subscribe(
  feed: ResultFeed,
  live: LiveResults,
  subscription: ResultSubscription,
): AsyncGenerator<ResultBatch, void> {
  const { signal } = subscription
  let place = subscription.after
  using _leaving = live.enter()
  while (!signal.aborted) {
    for await (const batch of feed.subscribe({ ...subscription, ...(place !== undefined && { after: place }) })) {
      place = batch.place
      yield batch
      if (batch.caughtUp && place !== undefined && live.joinAt(BigInt(place))) break
    }
    while (!signal.aborted && place !== undefined) {
      const news = live.after(BigInt(place))
      if (news === undefined) break
      if (news.place === place) {
        await live.change(signal)
        continue
      }
      place = news.place
      yield { ...news, results: news.results.filter(({ event }) => matchesFilter(event, subscription)) }
    }
  }
}

interface Kept {
  readonly position: bigint
  readonly result: PlacedResult
}

class LiveResults {
  readonly #feed: ResultFeed
  #consumers = 0
  #running: AbortController | undefined
  #kept: Kept[] = []
  #characters = 0
  /** What is kept begins behind this position, and reaches up to that one. */
  #from = 0n
  #to = 0n
  #wake = Promise.withResolvers<void>()

  constructor(feed: ResultFeed) {
    this.#feed = feed
  }

  enter(): Disposable {
    this.#consumers += 1
    return {
      [Symbol.dispose]: () => {
        this.#consumers -= 1
        if (this.#consumers === 0) this.#running?.abort()
      },
    }
  }

  /** True when a consumer at this position can go on from what is kept; begins to keep, if nobody has. */
  joinAt(position: bigint): boolean {
    if (this.#running === undefined) this.#run(position)
    return this.after(position) !== undefined
  }

  /** What has come behind the position; undefined when that is no longer, or not yet, known here. */
  after(position: bigint): (ResultBatch & { readonly place: string }) | undefined {
    if (this.#running === undefined || position < this.#from) return undefined
    const place = String(position > this.#to ? position : this.#to)
    // Nearly always it is one of the last.
    const before = this.#kept.findLastIndex((kept) => kept.position <= position)
    return { results: this.#kept.slice(before + 1).map(({ result }) => result), place, caughtUp: true }
  }

  /** Resolves when something has come, or nothing will, or the signal fires. */
  async change(signal: AbortSignal): Promise<void> {
    const { promise } = this.#wake
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done)
      void promise.then(done)
    })
  }

  #run(after: bigint): void {
    const running = new AbortController()
    this.#running = running
    this.#kept = []
    this.#characters = 0
    this.#from = this.#to = after
    const read = async (): Promise<void> => {
      for await (const { results, place } of this.#feed.subscribe({ after: String(after), signal: running.signal })) {
        for (const result of results) this.#keep(result)
        if (place !== undefined) this.#to = BigInt(place)
        this.#ring()
      }
    }
    const ended = (): void => {
      if (this.#running === running) this.#running = undefined
      this.#ring()
    }
    // A fault ends it for all: each consumer reads on its own again, and meets the fault itself.
    read().then(ended, ended)
  }

  #keep(result: PlacedResult): void {
    this.#kept.push({ position: BigInt(result.place), result })
    this.#characters += sizeOf(result)
    while (this.#kept.length > maxKept || this.#characters > maxKeptCharacters) {
      const oldest = this.#kept.shift()
      if (oldest === undefined) return
      this.#characters -= sizeOf(oldest.result)
      this.#from = oldest.position
    }
  }

  #ring(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }
}

const sizeOf = ({ event }: PlacedResult): number => event.data.response?.body.length ?? 0
