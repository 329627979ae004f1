import type {
  ClaimRequest,
  ClaimResult,
  CommitResult,
  ProjectionBuild,
  ProjectionClaim,
  ProjectionFailure,
} from '@holdfast/core'
import { failureText } from './failure-text.ts'
import { unpackChanges, type WriteOrder, type WriteResults } from './protocol.ts'
import type { Database, StatementSync } from './sqlite.ts'

type CommitOrder = Extract<WriteOrder, { kind: 'commit' }>

interface BuildRow {
  readonly build: bigint
  readonly version: bigint
  readonly live: bigint
  readonly position: bigint
  readonly recorded_until_ms: bigint
  readonly newest_snapshot: bigint
  readonly owner: string | null
  readonly lease_until_ms: bigint
  readonly token: bigint
}

/** Runs orders on the connection that writes: each whole, in a transaction of its own. */
export function createWriteOperations(database: Database): (order: WriteOrder) => WriteResults[keyof WriteResults] {
  const prepare = (sql: string): StatementSync => {
    const statement = database.prepare(sql)
    statement.setReadBigInts(true)
    return statement
  }
  const [begin, commitAll, rollback] = [prepare('BEGIN IMMEDIATE'), prepare('COMMIT'), prepare('ROLLBACK')]
  const columns = 'build, version, live, position, recorded_until_ms, newest_snapshot, owner, lease_until_ms, token'
  const selectBuild = prepare(`SELECT ${columns} FROM builds WHERE name = ? AND version = ?`)
  const selectLive = prepare(`SELECT ${columns} FROM builds WHERE name = ? AND live = 1`)
  const selectOlder = prepare(`SELECT build FROM builds WHERE name = ? AND version < ?`)
  const insertBuild = prepare(
    `INSERT INTO builds (name, version, live, position, recorded_until_ms, newest_snapshot, lease_until_ms, token)
     VALUES (?, ?, ?, 0, 0, -1, 0, 0)`,
  )
  const takeBuild = prepare('UPDATE builds SET owner = ?, lease_until_ms = ?, token = token + 1 WHERE build = ?')
  const renewBuild = prepare('UPDATE builds SET lease_until_ms = ? WHERE name = ? AND version = ? AND token = ?')
  const freeBuild = prepare(
    `UPDATE builds SET owner = NULL, token = token + 1, failure = coalesce(?, failure)
     WHERE name = ? AND version = ? AND token = ?`,
  )
  const moveBuild = prepare(
    `UPDATE builds SET position = ?, recorded_until_ms = ?, newest_snapshot = ?, lease_until_ms = ?, failure = NULL
     WHERE build = ?`,
  )
  const setLive = prepare('UPDATE builds SET live = ? WHERE build = ?')
  const insertSnapshot = prepare('INSERT OR IGNORE INTO snapshots VALUES (?, ?, ?)')
  const insertDocument = prepare('INSERT INTO documents VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
  const keepDocument = prepare(
    `INSERT OR IGNORE INTO history SELECT build, tenant, id, since, json FROM documents
     WHERE build = ? AND tenant = ? AND id = ? AND since <= ?`,
  )
  const changeDocument = prepare('UPDATE documents SET since = ?, json = ? WHERE build = ? AND tenant = ? AND id = ?')
  const deleteRows = ['documents', 'history', 'snapshots'].map((table) => {
    const key = { documents: 'build, tenant, id', history: 'build, tenant, id, since', snapshots: 'build, position' }[
      table
    ]
    return prepare(`DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE build = ? LIMIT +?)`)
  })
  const deleteBuild = prepare('DELETE FROM builds WHERE build = ?')

  const buildOf = ({ name, version }: ProjectionBuild): BuildRow | undefined =>
    selectBuild.get(name, version) as BuildRow | undefined
  const madeBuild = (build: ProjectionBuild, live: boolean): BuildRow => {
    insertBuild.run(build.name, build.version, live ? 1 : 0)
    return selectBuild.get(build.name, build.version) as unknown as BuildRow
  }
  const liveOf = (name: string): BuildRow | undefined => selectLive.get(name) as BuildRow | undefined
  const leaseUntil = (leaseMs: number): number => Date.now() + leaseMs

  function claim(request: ClaimRequest): ClaimResult {
    const { name, version, owner, leaseMs } = request
    const live = liveOf(name)
    if (live !== undefined && live.version > version) return { kind: 'superseded', liveVersion: Number(live.version) }
    const known = buildOf(request)
    const holder = known?.owner ?? undefined
    if (known !== undefined && holder !== undefined && holder !== owner && known.lease_until_ms > Date.now())
      return { kind: 'held', owner: holder }
    const taken = known ?? madeBuild(request, live === undefined)
    takeBuild.run(owner, leaseUntil(leaseMs), taken.build)
    const { position, recorded_until_ms, live: isLive } = taken
    const token = taken.token + 1n
    return {
      kind: 'claimed',
      claim: { ...request, token },
      position,
      recordedUntilMs: Number(recorded_until_ms),
      live: isLive === 1n,
    }
  }

  function release({ name, version, token }: ProjectionClaim, failure: ProjectionFailure | undefined): undefined {
    freeBuild.run(failure === undefined ? null : failureText(failure), name, version, token)
  }

  function commit({ claim: held, commit: written, changes }: CommitOrder): CommitResult {
    const live = liveOf(held.name)
    if (live !== undefined && live.version > held.version)
      return { kind: 'superseded', liveVersion: Number(live.version) }
    const known = buildOf(held)
    if (known?.token !== held.token) return { kind: 'fenced' }
    const { position, recordedUntilMs, snapshot, caughtUp } = written
    put(known, changes, position)
    const newestSnapshot = snapshot ? position : known.newest_snapshot
    moveBuild.run(position, recordedUntilMs, newestSnapshot, leaseUntil(held.leaseMs), known.build)
    if (snapshot) insertSnapshot.run(known.build, position, recordedUntilMs)
    const takesOver = caughtUp && live !== undefined && live.version < held.version && live.position <= position
    if (takesOver) {
      setLive.run(0, live.build)
      setLive.run(1, known.build)
    }
    return { kind: 'committed', live: takesOver || known.live === 1n }
  }

  function put({ build, newest_snapshot }: BuildRow, changes: string, position: bigint): void {
    const fields = unpackChanges(changes)
    for (let at = 0; at < fields.length; at += 3) {
      const [tenant = '', id = '', text = ''] = [fields[at], fields[at + 1], fields[at + 2]]
      const json = text === '' ? null : text
      // Most are new. What is removed and was never there leaves no mark.
      if (json !== null && Number(insertDocument.run(build, tenant, id, position, json).changes) === 1) continue
      if (newest_snapshot >= 0n) keepDocument.run(build, tenant, id, newest_snapshot)
      changeDocument.run(position, json, build, tenant, id)
    }
  }

  function prune(name: string, limit: number): boolean {
    const live = liveOf(name)
    if (live === undefined) return false
    let left = limit
    for (const { build } of selectOlder.all(name, live.version) as unknown as readonly BuildRow[]) {
      for (const rows of deleteRows) left -= Number(rows.run(build, left).changes)
      if (left === 0) return true
      deleteBuild.run(build)
    }
    return false
  }

  function run(order: WriteOrder): WriteResults[keyof WriteResults] {
    switch (order.kind) {
      case 'claim':
        return claim(order.request)
      case 'renew': {
        const { name, version, token, leaseMs } = order.claim
        return Number(renewBuild.run(leaseUntil(leaseMs), name, version, token).changes) === 1
      }
      case 'release':
        return release(order.claim, order.failure)
      case 'commit':
        return commit(order)
      case 'prune':
        return prune(order.name, order.limit)
      case 'close':
        return undefined
    }
  }

  return (order) => {
    begin.run()
    try {
      const result = run(order)
      commitAll.run()
      return result
    } catch (error) {
      if (database.isTransaction) rollback.run()
      throw error
    }
  }
}
