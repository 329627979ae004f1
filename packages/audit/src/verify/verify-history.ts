import { commandIdOf, commandStreamPrefix, resultEventOf, storedVersionOf } from '@holdfast/core'
import type { App, JsonObject, RecordedEnvelope } from '@holdfast/core'
import type { History, StoredEvent } from '../history.ts'
import { jsonOf } from '../json-of.ts'
import { follows, readRemovals, type Removals } from '../removals.ts'
import type { SealComparison, SealVerdict } from '../seal/compare.ts'
import { eventLeaf } from '../merkle/event-leaf.ts'
import { sameDigest } from '../merkle/hashing.ts'
import { createFindings, type Findings } from './findings.ts'
import type { KeyEvent } from './generation-checker.ts'
import { createKeyChecker, type KeyChecker } from './key-checker.ts'
import type { PublishedResults } from './published-results.ts'
import { createResponseChecker } from './response-checker.ts'
import { readMetadata } from './stored-metadata.ts'
import { createStreamTable, generationStatus, type StreamTable } from './stream-table.ts'
import { createCounts, sealSummary, type VerifyReport } from './summary.ts'

export interface VerifyOptions {
  readonly history: History
  /** Projects responses again and makes fingerprints again. Default: none, and neither is checked. */
  readonly app?: App | undefined
  /** Only what was recorded from then on, milliseconds since the epoch; seals are compared from the beginning all the same. */
  readonly sinceMs?: number | undefined
  /** Only this tenant's outcomes are projected again and counted. The order of the store is everyone's, and checked. */
  readonly tenant?: string | undefined
  /** From `openComparison`; it stays open. */
  readonly seals?: (SealComparison & { readonly checkpoints: number }) | undefined
  /** What was found on the topic of results. Default: none, and only whether a result can be made is checked. */
  readonly published?: PublishedResults | undefined
  readonly nowMs: () => number
  /** Findings of each rule that are listed. Default 100. */
  readonly maxListed?: number
  /** Called after each page. */
  readonly onProgress?: (progress: { readonly events: number; readonly findings: number }) => void
}

/**
 * Walks through the whole history once, in global order, and proves what can be proved from it: see the rules in
 * `findings.ts`. Time grows with the events. Memory stays flat but for 16 to 48 bytes for each stream.
 *
 * @throws EventStoreError when the store cannot be read; AuditError `seal` for damaged leaves
 */
export async function verifyHistory(options: VerifyOptions): Promise<VerifyReport> {
  const { history, app, sinceMs = 0, tenant, seals, published, nowMs, onProgress } = options
  const startedAtMs = nowMs()
  const findings = createFindings(options.maxListed ?? 100)
  const table = createStreamTable()
  const counts = createCounts()
  const responses = createResponseChecker(app, findings)
  const keys = createKeyChecker({
    ...{ history, findings, table, responses, tenant },
    onVersion: counts.version,
    onResult: ({ event, envelope, outcome }) => {
      checkResult(event, envelope, { findings, published })
      const { outcome: record, release } = event.metadata
      counts.outcome(envelope.command, outcome, record?.completedAtMs ?? release?.releasedAtMs ?? 0)
    },
  })
  const removals = await readRemovals(history)
  const positions = createPositionChecker({ history, findings, removals })
  const order = createOrderChecker({ history, findings, table, since: sinceMs > 0 })
  let [events, skipped, lastPosition] = [0, 0, 0n]

  for await (const page of history.events()) {
    await seals?.take(page)
    for (const event of page) {
      events += 1
      const missing = positions.take(event)
      if (missing !== undefined) await missing
      lastPosition = event.position
      if (event.recordedAtMs < sinceMs) {
        skipped += 1
        continue
      }
      counts.event(event.type)
      if (event.indexed === false) findings.at(event, 'index', 'a read of its stream does not find the event')
      const place = order.take(event)
      const checked = check(event, typeof place === 'number' ? place : await place, {
        ...{ keys, findings, onVersion: counts.version },
      })
      if (checked !== undefined) await checked
    }
    onProgress?.({ events, findings: findings.corruptions + findings.drifts })
  }

  const verdict = await seals?.finish()
  if (verdict !== undefined) reportBreaches(verdict, findings)
  const { corruptions, drifts } = findings
  return {
    v: 1,
    sound: corruptions === 0,
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: Math.round(nowMs() - startedAtMs),
    scope: {
      app: app?.name ?? null,
      since: sinceMs > 0 ? new Date(sinceMs).toISOString() : null,
      tenant: tenant ?? null,
    },
    counts: {
      ...{ events, skipped, removed: removals.count, lastPosition: String(lastPosition), streams: table.streams },
      generations: counts.outcomes.succeeded + counts.outcomes.rejected + counts.outcomes.failed,
      open: keys.open,
      responsesProjected: responses.projected,
      ...{ corruptions, drifts },
    },
    outcomes: counts.outcomes,
    commands: counts.commands(),
    eventTypes: counts.types(),
    storedVersions: counts.versions(),
    hours: counts.hours(),
    unknownCommands: Object.fromEntries(responses.unknown),
    findingsByRule: findings.counts,
    findings: findings.listed,
    results: resultsOf(published),
    projections: [],
    seal: verdict === undefined ? null : sealSummary(verdict, seals?.checkpoints ?? 0),
  }
}

/** The feed of results makes its messages from the events: each outcome has to make one, with the id that names it. */
function checkResult(
  { stored, metadata }: KeyEvent,
  envelope: RecordedEnvelope,
  { findings, published }: { readonly findings: Findings; readonly published: PublishedResults | undefined },
): void {
  const released = metadata.release === undefined ? '' : '-released'
  const id = `${commandIdOf(envelope.tenant, envelope.key)}-${metadata.generation}${released}`
  try {
    const recorded = { ...stored, data: {}, metadata: metadata as unknown as JsonObject }
    const result = resultEventOf(recorded, envelope)
    if (result?.id === id) {
      const atMs = metadata.outcome?.completedAtMs ?? metadata.release?.releasedAtMs ?? 0
      const due = published !== undefined && atMs >= published.sinceMs && atMs < published.untilMs
      if (due && !published.has(id)) findings.at(stored, 'result', `its result ${id} is not on the topic`)
      return
    }
    findings.at(stored, 'result', `its result has the id ${result?.id ?? 'of none'}, where ${id} is expected`)
  } catch (error) {
    findings.at(
      stored,
      'result',
      `no result can be made of it: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

const resultsOf = (published: PublishedResults | undefined): VerifyReport['results'] =>
  published === undefined
    ? null
    : {
        onTopic: published.count,
        since: new Date(published.sinceMs).toISOString(),
        until: new Date(published.untilMs).toISOString(),
      }

interface CheckParts {
  readonly keys: KeyChecker
  readonly findings: Findings
  readonly onVersion: (type: string, version: number) => void
}

function check(event: StoredEvent, place: number, parts: CheckParts): Promise<void> | undefined {
  const { keys, findings, onVersion } = parts
  if (event.stream.startsWith(commandStreamPrefix)) return keys.take(event, place)
  const metadata = jsonOf(event.metadata)
  if (metadata === undefined || jsonOf(event.data) === undefined) {
    findings.at(event, 'json', 'its data or metadata are no JSON object')
    return undefined
  }
  const version = storedVersionOf({ metadata })
  if (version !== 1) onVersion(event.type, version)
  return undefined
}

interface PositionCheckerOptions {
  readonly history: History
  readonly findings: Findings
  readonly removals: Removals
}

/** Positions follow one another, but for what was removed; and what was removed is what it is said to have been. */
function createPositionChecker({ history, findings, removals }: PositionCheckerOptions) {
  for (const position of removals.contradictions) {
    const message = `position ${position} is named as removed with two different digests`
    findings.add({ severity: 'corruption', rule: 'removal', message, position: String(position) })
  }
  let known = removals
  let last = 0n
  return {
    take: (event: StoredEvent): Promise<void> | undefined => {
      const before = last
      last = event.position
      // Named, and there still: its truncation is yet to come, or its scavenge.
      const named = known.count > 0 ? known.at(event.position) : undefined
      if (named !== undefined && !sameDigest(named, eventLeaf(event))) {
        findings.at(event, 'removal', 'it is named as removed with another digest than its own')
      }
      if (!history.gapless || event.position === before + 1n) return undefined
      if (follows(before, known.between(before, event.position), event)) return undefined
      // It may have been removed since the walk began.
      return readRemovals(history).then((now) => {
        known = now
        if (follows(before, known.between(before, event.position), event)) return
        const message = `position ${event.position} comes after position ${before}, and nothing says that what is missing was removed`
        findings.at(event, 'position', message)
      })
    },
  }
}

interface OrderCheckerOptions {
  readonly history: History
  readonly findings: Findings
  readonly table: StreamTable
  /** The beginnings of streams were passed over. */
  readonly since: boolean
}

/** Revisions follow one another from 0, in each stream. */
function createOrderChecker({ history, findings, table, since }: OrderCheckerOptions) {
  /** A revision that does not follow: the stream itself tells what is wrong, or that two streams look like one. */
  async function clearUp(event: StoredEvent, expected: number): Promise<void> {
    const events = await history.streamEvents(event.stream)
    const [first] = events
    const removed = first && jsonOf(first.metadata)?.['removal'] !== undefined
    let next = removed === true ? first.revision : 0n
    let last: bigint | undefined
    for (const { revision, position } of events) {
      if (revision !== next || (last !== undefined && position <= last)) {
        findings.at(event, 'revision', `revision ${event.revision} comes where revision ${expected} has to stand`)
        return
      }
      ;[next, last] = [next + 1n, position]
    }
    if (event.indexed === false) {
      findings.at(event, 'revision', `revision ${event.revision} comes where revision ${expected} has to stand`)
    }
  }

  /** What was before `since`: the event before this one knows. */
  async function takeUp(event: StoredEvent, place: number): Promise<void> {
    if (!event.stream.startsWith(commandStreamPrefix)) return
    const revision = event.revision - 1n
    const [before] = await history.streamEvents(event.stream, { from: revision, to: revision })
    const metadata = before && jsonOf(before.metadata)
    const read = metadata && readMetadata(metadata)
    if (read?.kind !== 'read') return
    const { generation, outcome, release, removal } = read.metadata
    const ended = outcome === undefined ? generationStatus.open : generationStatus.resolved
    table.setGeneration(
      place,
      generation,
      release === undefined && removal === undefined ? ended : generationStatus.released,
    )
  }

  return {
    /** The place of the event's stream. */
    take: (event: StoredEvent): number | Promise<number> => {
      const place = table.place(event.stream)
      const expected = table.nextRevision(place)
      const revision = Number(event.revision)
      table.setNextRevision(place, Math.max(0, revision + 1))
      if (revision === expected) return place
      const first = since && expected === 0
      return (first ? takeUp(event, place) : clearUp(event, expected)).then(() => place)
    },
  }
}

function reportBreaches(verdict: SealVerdict, findings: Findings): void {
  const { whole, leavesSound, brokenBetween, breaches, breachCount } = verdict
  if (whole) return
  if (leavesSound === true) {
    for (const { kind, position, event } of breaches) {
      const message = `the event at position ${position} ${breachText[kind]}`
      const { stream, revision } = event ?? {}
      findings.add({
        ...{ severity: 'corruption', rule: 'seal', message, position: String(position) },
        ...(stream !== undefined && { stream, revision: String(revision) }),
      })
    }
  }
  if (leavesSound === true && breachCount > 0) return
  const { after, upTo } = brokenBetween ?? { after: 0n, upTo: 0n }
  findings.add({
    severity: 'corruption',
    rule: 'seal',
    message: `the events behind position ${after} and up to position ${upTo} are not those that were sealed; there are no sound leaves to say which`,
  })
}

const breachText = {
  changed: 'is not what was sealed',
  missing: 'was sealed and is gone',
  inserted: 'was not there when what is around it was sealed',
} as const
