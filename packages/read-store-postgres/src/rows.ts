import type {
  BuildStatus,
  ClaimRequest,
  ClaimResult,
  CommitResult,
  DocumentPage,
  DocumentsRead,
  ProjectionClaim,
  ProjectionCommit,
  ReadSelector,
} from '@holdfast/core'
import type { Values } from './database.ts'

export interface ClaimRow {
  readonly o_kind: ClaimResult['kind']
  readonly o_live_version: number
  readonly o_owner: string
  readonly o_token: bigint
  readonly o_position: bigint
  readonly o_recorded_until_ms: bigint
}

export interface CommitRow {
  readonly o_kind: CommitResult['kind']
  readonly o_live_version: number
}

export interface StatusRow {
  readonly name: string
  readonly version: number
  readonly live: boolean
  readonly position: bigint
  readonly recorded_until_ms: bigint
  readonly owner: string | null
  readonly failure_position: bigint | null
  readonly failure_event_id: string | null
  readonly failure_message: string | null
  readonly failed_at_ms: bigint | null
}

export interface SnapshotRow {
  readonly position: bigint | null
  readonly recorded_until_ms: bigint | null
}

interface BuildRow {
  readonly version: number
  readonly position: bigint
}

/** `n` is null where no document was asked for. */
export interface ReadRow extends BuildRow {
  readonly n: bigint | null
  readonly json: string | null
}

/** `id` and `json` are null where there is no document. */
export interface ListRow extends BuildRow {
  readonly id: string | null
  readonly json: string | null
}

/** The functions of the schema answer one row, always. */
export function surely<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new TypeError('a function of the schema answered nothing')
  return row
}

export function claimResultOf(request: ClaimRequest, row: ClaimRow): ClaimResult {
  switch (row.o_kind) {
    case 'superseded':
      return { kind: 'superseded', liveVersion: row.o_live_version }
    case 'held':
      return { kind: 'held', owner: row.o_owner }
    case 'claimed': {
      const { name, version, owner, leaseMs } = request
      return {
        kind: 'claimed',
        claim: { name, version, owner, leaseMs, token: row.o_token },
        position: row.o_position,
        recordedUntilMs: Number(row.o_recorded_until_ms),
        live: row.o_live_version === version,
      }
    }
  }
}

export function commitValues(claim: ProjectionClaim, commit: ProjectionCommit): Values {
  const { name, version, token, leaseMs } = claim
  const { changes, position, recordedUntilMs, snapshot, caughtUp } = commit
  return [
    name,
    version,
    token,
    leaseMs,
    changes.map(({ tenant }) => tenant),
    changes.map(({ id }) => id),
    changes.map(({ json }) => json ?? null),
    position,
    recordedUntilMs,
    snapshot,
    caughtUp,
  ]
}

export function commitResultOf({ version }: ProjectionClaim, row: CommitRow): CommitResult {
  switch (row.o_kind) {
    case 'superseded':
      return { kind: 'superseded', liveVersion: row.o_live_version }
    case 'fenced':
      return { kind: 'fenced' }
    case 'committed':
      return { kind: 'committed', live: row.o_live_version === version }
  }
}

export function statusOf(row: StatusRow): BuildStatus {
  const { name, version, live, position, owner } = row
  return {
    name,
    version,
    live,
    position,
    recordedUntilMs: Number(row.recorded_until_ms),
    owner: owner ?? undefined,
    failure:
      row.failure_position === null
        ? undefined
        : {
            position: row.failure_position,
            eventId: row.failure_event_id ?? '',
            message: row.failure_message ?? '',
            failedAtMs: Number(row.failed_at_ms ?? 0n),
          },
  }
}

export function documentsOf(selector: ReadSelector, rows: readonly ReadRow[]): DocumentsRead | undefined {
  const [first] = rows
  return (
    first && {
      version: first.version,
      position: selector.snapshot ?? first.position,
      documents: rows.filter(({ n }) => n !== null).map(({ json }) => json ?? undefined),
    }
  )
}

export function pageOf(selector: ReadSelector, rows: readonly ListRow[]): DocumentPage | undefined {
  const [first] = rows
  return (
    first && {
      version: first.version,
      position: selector.snapshot ?? first.position,
      documents: rows.flatMap(({ id, json }) => (id === null || json === null ? [] : [{ id, json }])),
    }
  )
}
