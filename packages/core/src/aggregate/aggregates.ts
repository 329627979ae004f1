import { aggregateStream, type Aggregate, type ExecuteResult } from './define-aggregate.ts'
import { AggregateStream, type AggregateDeps, type AggregateRequest } from './aggregate-stream.ts'

/** Aggregates that are kept in memory; the rest is read again when it is needed. */
const maxKept = 1_000

/** The aggregates that this process acts on. */
export class Aggregates {
  readonly #deps: AggregateDeps
  readonly #streams = new Map<string, AggregateStream>()

  constructor(deps: AggregateDeps) {
    this.#deps = deps
  }

  /** Where the next events of an aggregate will stand: after this revision. */
  async placeOf(aggregate: Aggregate, id: string): Promise<{ readonly stream: string; readonly after: number }> {
    const stream = aggregateStream(aggregate, id)
    return { stream, after: await this.#of(aggregate, stream).knownRevision() }
  }

  async execute(aggregate: Aggregate, id: string, request: AggregateRequest): Promise<ExecuteResult> {
    return this.#of(aggregate, aggregateStream(aggregate, id)).execute(request)
  }

  #of(aggregate: Aggregate, stream: string): AggregateStream {
    const known = this.#streams.get(stream)
    if (known !== undefined) {
      // The most recently used stand last.
      this.#streams.delete(stream)
      this.#streams.set(stream, known)
      return known
    }
    const fresh = new AggregateStream(this.#deps, aggregate, stream)
    this.#streams.set(stream, fresh)
    if (this.#streams.size > maxKept) this.#forgetOldest()
    return fresh
  }

  #forgetOldest(): void {
    for (const [stream, aggregate] of this.#streams) {
      if (!aggregate.idle) continue
      this.#streams.delete(stream)
      return
    }
  }
}
