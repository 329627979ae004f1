import type { JsonValue } from '../json.ts'
import type { RetryPolicy } from './retry-policy.ts'

/** What a step's function is given. */
export interface StepRun {
  /**
   * The step key: the same for every run of this step of this command, whichever process runs it. Send it downstream as
   * the idempotency key. UUID form (version 8, RFC 9562), made from command id, generation and step name.
   */
  readonly key: string
  /** 1 for the first run in this try of the command. */
  readonly attempt: number
  /** Fires when the run has taken `retry.timeoutMs`, the try is over, or the process lets go of the command. */
  readonly signal: AbortSignal
}

export interface StepOptions<Result> {
  /** Runs of one step within one try of the command. Default: 3 attempts, 50 ms doubling to 2 s, 10 s each. */
  readonly retry?: Partial<RetryPolicy>
  /**
   * Compensation: takes the effect back when the command is refused or fails after this step. Runs at least once, with a
   * key of its own; has to be idempotent downstream like the step itself.
   */
  undo?(result: Result, run: StepRun): Promise<void> | void
  /**
   * For providers that do not deduplicate: the start is recorded before the run. If the process dies in between, or the
   * run throws, nobody knows whether the effect happened: the command fails as *indeterminate*, and an operator decides.
   * `retry.attempts` then counts for the undo only.
   */
  readonly atMostOnce?: boolean
}

/**
 * A durable step: `run` has the effect, its result is recorded on the key's stream, and a step that is recorded is never
 * run again. The result must be JSON (its type an alias: an interface is not
 * known to be JSON), or nothing at all. A step that fails ends the try, also when its error is caught:
 * what may go wrong without harm is caught within `run`.
 */
export type Step = <Result extends JsonValue | undefined | void>(
  name: string,
  run: (run: StepRun) => Promise<Result> | Result,
  options?: StepOptions<Result>,
) => Promise<Result>
