import type {
  BuildStatus,
  DocumentId,
  DocumentPage,
  DocumentsRead,
  ListQuery,
  ProjectionBuild,
  ReadSelector,
  SnapshotInfo,
} from '@holdfast/core'
import { parseFailure } from './failure-text.ts'
import { errorOf, faultOf } from './faults.ts'
import { openReader } from './open-database.ts'
import type { StatementSync } from './sqlite.ts'

/** Reads on the calling thread, through a connection of its own. Synchronous; sees every acknowledged write. */
export interface Reader {
  live(name: string): BuildStatus | undefined
  builds(name: string): readonly BuildStatus[]
  read(selector: ReadSelector, ids: readonly DocumentId[]): DocumentsRead | undefined
  list(selector: ReadSelector, query: ListQuery): DocumentPage | undefined
  nearestSnapshot(
    build: ProjectionBuild,
    bound: { readonly position: bigint } | { readonly timeMs: number },
  ): SnapshotInfo | undefined
  close(): void
}

interface BuildRow {
  readonly build: bigint
  readonly name: string
  readonly version: bigint
  readonly live: bigint
  readonly position: bigint
  readonly recorded_until_ms: bigint
  readonly owner: string | null
  readonly lease_until_ms: bigint
  readonly failure: string | null
}

/** As of a snapshot: a document that was made later is looked for among those that were kept. */
const asOfOne = `
  SELECT json FROM documents WHERE build = ?1 AND tenant = ?2 AND id = ?3 AND since <= ?4
  UNION ALL
  SELECT json FROM (
    SELECT json FROM history WHERE build = ?1 AND tenant = ?2 AND id = ?3 AND since <= ?4 ORDER BY since DESC LIMIT 1
  ) LIMIT 1`

const asOfPage = `
  SELECT id, json FROM (
    SELECT id, json FROM documents WHERE build = ?1 AND tenant = ?2 AND id > ?3 AND since <= ?4
    UNION ALL
    SELECT id, json FROM history AS h WHERE build = ?1 AND tenant = ?2 AND id > ?3 AND since <= ?4
      AND NOT EXISTS (SELECT 1 FROM history WHERE build = ?1 AND tenant = ?2 AND id = h.id AND since > h.since AND since <= ?4)
      AND NOT EXISTS (SELECT 1 FROM documents WHERE build = ?1 AND tenant = ?2 AND id = h.id AND since <= ?4)
  ) WHERE json IS NOT NULL ORDER BY id LIMIT +?5`

export function createReader(path: string): Reader {
  const database = openReader(path)
  const prepare = (sql: string): StatementSync => database.prepare(sql)
  const prepareExact = (sql: string): StatementSync => {
    const statement = prepare(sql)
    statement.setReadBigInts(true)
    return statement
  }
  const [begin, end] = [prepare('BEGIN'), prepare('COMMIT')]
  const columns = 'build, name, version, live, position, recorded_until_ms, owner, lease_until_ms, failure'
  const liveBuild = prepareExact(`SELECT ${columns} FROM builds WHERE name = ? AND live = 1`)
  const oneBuild = prepareExact(`SELECT ${columns} FROM builds WHERE name = ? AND version = ?`)
  const allBuilds = prepareExact(`SELECT ${columns} FROM builds WHERE name = ? ORDER BY version DESC`)
  const one = prepare('SELECT json FROM documents WHERE build = ? AND tenant = ? AND id = ?')
  const page = prepare(
    `SELECT id, json FROM documents WHERE build = ? AND tenant = ? AND id > ? AND json IS NOT NULL ORDER BY id LIMIT +?`,
  )
  const oneAsOf = prepare(asOfOne)
  const pageAsOf = prepare(asOfPage)
  const snapshot = (bound: string): StatementSync =>
    prepareExact(
      `SELECT position, recorded_until_ms FROM snapshots WHERE build = ? AND ${bound} <= ? ORDER BY position DESC LIMIT 1`,
    )
  const snapshotByPosition = snapshot('position')
  const snapshotByTime = snapshot('recorded_until_ms')

  /** One state of the database for all that `work` reads. */
  const together = <T>(work: () => T): T => {
    try {
      begin.run()
      try {
        return work()
      } finally {
        end.run()
      }
    } catch (error) {
      throw errorOf(faultOf(error, path))
    }
  }

  const selected = ({ name, version }: ReadSelector): BuildRow | undefined =>
    (version === undefined ? liveBuild.get(name) : oneBuild.get(name, version)) as BuildRow | undefined

  return {
    live: (name) =>
      together(() => {
        const row = liveBuild.get(name) as BuildRow | undefined
        return row && statusOf(row)
      }),
    builds: (name) => together(() => (allBuilds.all(name) as unknown as readonly BuildRow[]).map(statusOf)),
    read: (selector, ids) =>
      together(() => {
        const row = selected(selector)
        if (row === undefined) return undefined
        const { build, version, position } = row
        const asOf = selector.snapshot
        const documents = ids.map(({ tenant, id }) => {
          const found = asOf === undefined ? one.get(build, tenant, id) : oneAsOf.get(build, tenant, id, asOf)
          return (found?.['json'] ?? undefined) as string | undefined
        })
        return { version: Number(version), position: asOf ?? position, documents }
      }),
    list: (selector, { tenant, after = '', limit }) =>
      together(() => {
        const row = selected(selector)
        if (row === undefined) return undefined
        const { build, version, position } = row
        const asOf = selector.snapshot
        const found =
          asOf === undefined ? page.all(build, tenant, after, limit) : pageAsOf.all(build, tenant, after, asOf, limit)
        const documents = found.map(({ id, json }) => ({ id: id as string, json: json as string }))
        return { version: Number(version), position: asOf ?? position, documents }
      }),
    nearestSnapshot: (wanted, bound) =>
      together(() => {
        const row = selected(wanted)
        if (row === undefined) return undefined
        const found =
          'position' in bound
            ? snapshotByPosition.get(row.build, bound.position)
            : snapshotByTime.get(row.build, Math.floor(bound.timeMs))
        if (found === undefined) return { position: 0n, recordedUntilMs: 0 }
        return { position: found['position'] as bigint, recordedUntilMs: Number(found['recorded_until_ms']) }
      }),
    close: () => {
      database.close()
    },
  }
}

function statusOf(row: BuildRow): BuildStatus {
  return {
    name: row.name,
    version: Number(row.version),
    live: row.live === 1n,
    position: row.position,
    recordedUntilMs: Number(row.recorded_until_ms),
    owner: row.owner !== null && row.lease_until_ms > Date.now() ? row.owner : undefined,
    failure: row.failure === null ? undefined : parseFailure(row.failure),
  }
}
