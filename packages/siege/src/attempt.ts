/** What the target answered to one attempt. */
export interface Answer {
  readonly status: number
  /** By lower-case name; repeated ones joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * How one attempt ended.
 * - `answered`: a whole answer was read
 * - `cut`: siege itself broke the connection; `received` is what had come by then, head included
 * - `failed`: no answer. `code` is the socket's (`ECONNRESET`, …), or `timeout`
 */
export type Outcome =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'cut'; readonly received: Buffer }
  | { readonly kind: 'failed'; readonly code: string }

/** One request on the wire. */
export interface Attempt {
  readonly outcome: Outcome
  /** Milliseconds since the siege began. */
  readonly startedMs: number
  readonly durationMs: number
}

/** The status as text, `cut`, or the code of the failure: the word for an attempt in tables and charts. */
export function outcomeLabel(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'answered':
      return String(outcome.answer.status)
    case 'cut':
      return 'cut'
    case 'failed':
      return outcome.code
  }
}

/** The answers among attempts, in their order. */
export const answersOf = (attempts: readonly Attempt[]): readonly Answer[] =>
  attempts.flatMap(({ outcome }) => (outcome.kind === 'answered' ? [outcome.answer] : []))
