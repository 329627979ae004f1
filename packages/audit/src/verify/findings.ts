import type { StoredEvent } from '../history.ts'

/**
 * - `position`: an event is missing from the global order, and nothing says that it was removed
 * - `revision`: the revisions of a stream do not follow one another from 0
 * - `index`: the store does not find the event by its stream
 * - `json`: data or metadata are no JSON object
 * - `metadata`: what every event of a key's stream carries is missing or malformed
 * - `stream-name`: the stream is not that of the tenant and key in its envelope
 * - `generation`: generations do not follow one another, or one begins before the last has ended
 * - `envelope`: a generation does not begin with its envelope, or has another one
 * - `fingerprint`: it changes within a generation, or is not that of the recorded input
 * - `attempt`: the attempt changes within a generation, or its tries are not counted upwards
 * - `outcome`: a second outcome, an event behind it, an outcome that does not fit its event, or a malformed one
 * - `release`: a release without an outcome before it, or a second one
 * - `removal`: a record of removed history that is malformed, does not name all, or names what is there otherwise
 * - `early-reuse`: a further generation although the one before had neither expired nor been released or superseded
 * - `step`: a step that was recorded twice, or undone without having been done
 * - `result`: an outcome that the feed of results cannot tell of, or not under its id
 * - `seal`: an event that is not as it was sealed
 * - `response`: the recorded response is not what the command's code projects now
 * - `projection`: the live projection is not what the events fold to
 */
export const rules = [
  'position',
  'revision',
  'index',
  'json',
  'metadata',
  'stream-name',
  'generation',
  'envelope',
  'fingerprint',
  'attempt',
  'outcome',
  'release',
  'removal',
  'early-reuse',
  'step',
  'result',
  'seal',
  'response',
  'projection',
] as const
export type Rule = (typeof rules)[number]

/**
 * `corruption`: no code of Holdfast writes that. `drift`: the code of the application projects something else today than it
 * did then, which is no fault of the history.
 */
export type Severity = 'corruption' | 'drift'

export interface Finding {
  readonly severity: Severity
  readonly rule: Rule
  /** One sentence. */
  readonly message: string
  /** Where in the global order. Absent where it cannot be told. */
  readonly position?: string
  readonly stream?: string
  readonly revision?: string
}

export interface Findings {
  /** Of an event; all are counted, the first ones listed. */
  at(event: Pick<StoredEvent, 'position' | 'stream' | 'revision'>, rule: Rule, message: string): void
  drift(event: StoredEvent, rule: Rule, message: string): void
  add(finding: Finding): void
  readonly listed: readonly Finding[]
  readonly counts: Readonly<Partial<Record<Rule, number>>>
  readonly corruptions: number
  readonly drifts: number
}

/** At most `maxListed` are kept for each rule, so that a damaged store of millions of events does not fill the memory. */
export function createFindings(maxListed: number): Findings {
  const listed: Finding[] = []
  const counts: Partial<Record<Rule, number>> = {}
  const bySeverity = { corruption: 0, drift: 0 }
  const add = (finding: Finding): void => {
    const count = (counts[finding.rule] ?? 0) + 1
    counts[finding.rule] = count
    bySeverity[finding.severity] += 1
    if (count <= maxListed) listed.push(finding)
  }
  const of =
    (severity: Severity) =>
    (event: Pick<StoredEvent, 'position' | 'stream' | 'revision'>, rule: Rule, message: string): void => {
      const { position, stream, revision } = event
      add({ severity, rule, message, position: String(position), stream, revision: String(revision) })
    }
  return {
    at: of('corruption'),
    drift: of('drift'),
    add,
    listed,
    counts,
    get corruptions() {
      return bySeverity.corruption
    },
    get drifts() {
      return bySeverity.drift
    },
  }
}
