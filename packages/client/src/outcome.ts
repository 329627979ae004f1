import { HoldfastProblem, type ProblemDocument } from './errors.ts'
import { isProblem, problemIn, type Recorded } from './judge.ts'

/** What every outcome tells. */
export interface OutcomeFacts {
  /** The key of the call: the caller's, or the one that was made. */
  readonly key: string
  readonly commandId: string
  /** How often the command was sent. */
  readonly attempts: number
  /**
   * True when another attempt than the last one was executed: with `attempts: 1` an earlier call with this key, else
   * perhaps an earlier attempt of this call.
   */
  readonly replayed: boolean
  /** Until then a call with the same key gets this outcome. */
  readonly expiresAt: Date
  /** The request's id in the gateway's log. */
  readonly requestId: string
  /** HTTP status of the recorded response. */
  readonly status: number
  /** Headers of the answer, those that the command declared among them. */
  readonly headers: Headers
}

/** The command succeeded. */
export interface Succeeded<Body> extends OutcomeFacts {
  readonly kind: 'succeeded'
  readonly body: Body
}

/** The command was decided, and the decision is no: one of its own refusals. Every retry gets the same. */
export interface Rejected<Code extends string> extends OutcomeFacts {
  readonly kind: 'rejected'
  readonly refusal: ProblemDocument<Code>
}

export type Outcome<Body = unknown, Code extends string = string> = Succeeded<Body> | Rejected<Code>

/**
 * Reads a recorded response.
 *
 * @throws HoldfastProblem for a recorded failure (`command-failed`)
 */
export function outcomeOf(recorded: Recorded, { key, attempts }: { readonly key: string; attempts: number }): Outcome {
  const { status, headers, commandId, expiresAt, replayed, requestId } = recorded
  const facts: OutcomeFacts = { key, commandId, attempts, replayed, expiresAt, requestId, status, headers }
  if (!isProblem(headers)) return { kind: 'succeeded', ...facts, body: recorded.body }
  const problem = problemIn({ kind: 'answer', ...recorded })
  if (status >= 500) throw new HoldfastProblem(problem, { key, attempts, recorded: true })
  return { kind: 'rejected', ...facts, refusal: problem }
}
