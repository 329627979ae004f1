/** Time, injected everywhere. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number
  /** Resolves after `ms`, or at once when the signal fires (it does not reject). Does not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls back after `ms`; the returned function cancels. Does not keep the process alive. */
  schedule(ms: number, callback: () => void): () => void
}

/** Random identity, injected everywhere. */
export interface Ids {
  /** A random UUID (version 4), for requests and events. */
  uuid(): string
  /** A time-ordered UUID (version 7, RFC 9562) for the attempt at `nowMs`. */
  attemptId(nowMs: number): string
}

/** Where a long-running reader of the event store stands. */
export interface Checkpoints {
  /** The saved position, or undefined when there is none. */
  load(name: string): Promise<bigint | undefined>
  save(name: string, position: bigint): Promise<void>
}
