import type { ResultEvent, ResultOutcome } from '@holdfast/contracts'
import type { Tenant } from '../brands.ts'

/** Which results a consumer wants; what is left out is not narrowed. */
export interface ResultFilter {
  readonly tenant?: Tenant
  /** Names of commands. */
  readonly commands?: readonly string[]
  readonly outcomes?: readonly ResultOutcome[]
}

export interface ResultSubscription extends ResultFilter {
  /** Deliver what stands after this place, which this feed has told; default: from the beginning. */
  readonly after?: string
  /** Ends the iteration. */
  readonly signal: AbortSignal
}

/** A result and its place in the feed. */
export interface PlacedResult {
  readonly event: ResultEvent
  /** Where a consumer that has this result, and all before it, goes on. Text without white space; opaque. */
  readonly place: string
}

/** A step of a subscription. */
export interface ResultBatch {
  /** In the order of the feed: results of one key in the order in which they were recorded. May be empty. */
  readonly results: readonly PlacedResult[]
  /** Everything up to here was delivered or filtered out. Undefined while the feed has nothing before. */
  readonly place: string | undefined
  /** True when, at the time of reading, nothing stood after it. */
  readonly caughtUp: boolean
}

/**
 * Outcomes of commands and releases of keys, as CloudEvents with stable ids. What is durable arrives; what arrives is
 * durable. At least once: after a crash of whoever publishes, or of the consumer, a result may come again under its id.
 *
 * Every adapter runs the contract suite `@holdfast/testing/result-feed-contract`.
 */
export interface ResultFeed {
  /**
   * All results that match, first the past and then live. Reconnects by itself and goes on where it was. Ends when the
   * signal fires.
   *
   * @throws ResultPlaceError when the feed does not know the place
   * @throws EventStoreError
   */
  subscribe(subscription: ResultSubscription): AsyncIterable<ResultBatch>
}

/** `after` is not a place of this feed: malformed, of another feed, or past its end. */
export class ResultPlaceError extends Error {
  override readonly name = 'ResultPlaceError'
  readonly code = 'unknown-place'
}

/** True for a result that the filter lets through. */
export function matchesFilter({ command, tenant, data }: ResultEvent, filter: ResultFilter): boolean {
  return (
    (filter.tenant === undefined || filter.tenant === tenant) &&
    (filter.commands === undefined || filter.commands.includes(command)) &&
    (filter.outcomes === undefined || filter.outcomes.includes(data.outcome))
  )
}
