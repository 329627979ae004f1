import type { OutcomeKind } from '@holdfast/core'
import type { SealVerdict } from '../seal/compare.ts'
import type { Finding, Rule } from './findings.ts'

export type OutcomeCounts = Readonly<Record<OutcomeKind | 'released', number>>

/** What a verification found; all of it is JSON. */
export interface VerifyReport {
  readonly v: 1
  /** True when nothing contradicts: drift of the code does not. */
  readonly sound: boolean
  /** RFC 3339. */
  readonly startedAt: string
  readonly durationMs: number
  readonly scope: {
    /** Name of the application; null when responses were not projected again. */
    readonly app: string | null
    readonly since: string | null
    readonly tenant: string | null
  }
  readonly counts: {
    readonly events: number
    /** Before `since`: only passed over. */
    readonly skipped: number
    /** Events that were removed on purpose. */
    readonly removed: number
    /** Position of the last event. */
    readonly lastPosition: string
    readonly streams: number
    /** Outcomes of commands. */
    readonly generations: number
    /** Commands without an outcome yet. */
    readonly open: number
    readonly responsesProjected: number
    readonly corruptions: number
    readonly drifts: number
  }
  readonly outcomes: OutcomeCounts
  readonly commands: Readonly<Record<string, OutcomeCounts>>
  readonly eventTypes: Readonly<Record<string, number>>
  /** Events by type and the version that their data are stored in, as far as that is not the first. */
  readonly storedVersions: Readonly<Record<string, Readonly<Record<number, number>>>>
  /** Outcomes by hour of their completion, RFC 3339. */
  readonly hours: Readonly<Record<string, number>>
  /** Commands that the application does not know, with their outcomes: their responses were not projected again. */
  readonly unknownCommands: Readonly<Record<string, number>>
  /** Findings by rule; all are counted. */
  readonly findingsByRule: Readonly<Partial<Record<Rule, number>>>
  /** The first ones of each rule. */
  readonly findings: readonly Finding[]
  /** Null when there was no seal to compare with. */
  readonly seal: SealSummary | null
  /** What was found on the topic of results, and when what had to be there has ended. Null when it was not read. */
  readonly results: { readonly onTopic: number; readonly since: string; readonly until: string } | null
  /** Live projections that were compared with a rebuild; none when there was no read store. */
  readonly projections: readonly ProjectionSummary[]
}

export interface ProjectionSummary {
  readonly name: string
  /** The last three: it was not compared. See `ProjectionComparison`. */
  readonly state: 'equal' | 'different' | 'not-built' | 'other-version' | 'moving'
  readonly position?: string
  readonly documents?: number
}

export interface SealSummary extends Pick<SealVerdict, 'whole' | 'sealedEvents' | 'unsealedEvents'> {
  readonly checkpoints: number
  /** The first bad position, if one can be named. */
  readonly firstBadPosition: string | null
  /** Between which positions it lies, by the signed roots alone. */
  readonly brokenBetween: { readonly after: string; readonly upTo: string } | null
  readonly leavesSound: boolean | null
}

const none: OutcomeCounts = { succeeded: 0, rejected: 0, failed: 0, released: 0 }
const hourMs = 3_600_000

/** Counts what goes by. Memory grows with the names of commands and types, and the hours that outcomes fall in. */
export function createCounts() {
  const outcomes = { ...none }
  const commands = new Map<string, Record<keyof OutcomeCounts, number>>()
  const types = new Map<string, number>()
  const versions = new Map<string, Record<number, number>>()
  const hours = new Map<number, number>()
  return {
    event: (type: string): void => {
      types.set(type, (types.get(type) ?? 0) + 1)
    },
    version: (type: string, version: number): void => {
      const ofType = versions.get(type) ?? {}
      ofType[version] = (ofType[version] ?? 0) + 1
      versions.set(type, ofType)
    },
    outcome: (command: string, outcome: keyof OutcomeCounts, atMs: number): void => {
      outcomes[outcome] += 1
      const counts = commands.get(command) ?? { ...none }
      counts[outcome] += 1
      commands.set(command, counts)
      if (outcome === 'released') return
      const hour = Math.floor(atMs / hourMs)
      hours.set(hour, (hours.get(hour) ?? 0) + 1)
    },
    outcomes,
    commands: (): Readonly<Record<string, OutcomeCounts>> => Object.fromEntries(byName(commands)),
    types: (): Readonly<Record<string, number>> => Object.fromEntries(byName(types)),
    versions: (): Readonly<Record<string, Readonly<Record<number, number>>>> => Object.fromEntries(byName(versions)),
    hours: (): Readonly<Record<string, number>> =>
      Object.fromEntries(
        [...hours].sort(([a], [b]) => a - b).map(([hour, count]) => [new Date(hour * hourMs).toISOString(), count]),
      ),
  }
}

const byName = <T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1))

export function sealSummary(verdict: SealVerdict, checkpoints: number): SealSummary {
  const { whole, sealedEvents, unsealedEvents, brokenBetween, leavesSound } = verdict
  const named = verdict.leavesSound === true ? verdict.breaches[0] : undefined
  return {
    whole,
    checkpoints,
    sealedEvents,
    unsealedEvents,
    firstBadPosition: named === undefined ? null : String(named.position),
    brokenBetween: brokenBetween ? { after: String(brokenBetween.after), upTo: String(brokenBetween.upTo) } : null,
    leavesSound: leavesSound ?? null,
  }
}
