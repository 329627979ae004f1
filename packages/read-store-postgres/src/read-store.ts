import type { ProjectionBuild, ReadStore } from '@holdfast/core'
import { openDatabase, type Values } from './database.ts'
import { isSchemaMissing } from './faults.ts'
import { createSchemaCheck } from './migrate.ts'
import { resolveOptions, type PostgresReadStoreOptions } from './options.ts'
import {
  claimResultOf,
  commitResultOf,
  commitValues,
  documentsOf,
  pageOf,
  statusOf,
  surely,
  type ClaimRow,
  type CommitRow,
  type ListRow,
  type ReadRow,
  type SnapshotRow,
  type StatusRow,
} from './rows.ts'
import { createStatements } from './statements.ts'
import { createUnderWay } from './under-way.ts'

/**
 * The read store on PostgreSQL 14 or newer. Nothing is connected before the first use, and a server that is away is
 * `unavailable` until it is back.
 *
 * @throws RangeError for an option that is not allowed
 */
export function createPostgresReadStore(given: PostgresReadStoreOptions): ReadStore {
  const options = resolveOptions(given)
  const database = openDatabase(options)
  const schema = createSchemaCheck(database, options)
  const sql = createStatements(`"${options.schema}"`)

  const underWay = createUnderWay()
  let closing: Promise<void> | undefined

  async function ask<Row>(text: string, values: Values): Promise<readonly Row[]> {
    await schema.ensure()
    try {
      return await database.query<Row>(text, values)
    } catch (error) {
      // Somebody has dropped it: the next call makes it again.
      if (error instanceof Error && isSchemaMissing(error.cause)) schema.forget()
      throw error
    }
  }
  const query = <Row>(text: string, values: Values): Promise<readonly Row[]> =>
    underWay.run(() => ask<Row>(text, values))
  /** Writes to one build happen in the order of the calls, whatever connections they take. */
  const write = <Row>({ name, version }: ProjectionBuild, text: string, values: Values): Promise<readonly Row[]> =>
    underWay.runInTurn(`${name} ${version}`, () => ask<Row>(text, values))

  return {
    async claim(request) {
      const { name, version, owner, leaseMs } = request
      const [row] = await write<ClaimRow>(request, sql.claim, [name, version, owner, leaseMs])
      return claimResultOf(request, surely(row))
    },
    async renew(claim) {
      const { name, version, token, leaseMs } = claim
      return (await write(claim, sql.renew, [name, version, token, leaseMs])).length > 0
    },
    async release(claim, failure) {
      const { name, version, token } = claim
      const { position = null, eventId = null, message = null, failedAtMs = null } = failure ?? {}
      await write(claim, sql.release, [name, version, token, position, eventId, message, failedAtMs])
    },
    async commit(claim, commit) {
      const [row] = await write<CommitRow>(claim, sql.commit, commitValues(claim, commit))
      return commitResultOf(claim, surely(row))
    },
    async prune(name, limit) {
      const [row] = await query<{ more: boolean }>(sql.prune, [name, limit])
      return surely(row).more
    },
    async live(name) {
      const [row] = await query<StatusRow>(sql.live, [name])
      return row && statusOf(row)
    },
    async builds(name) {
      return (await query<StatusRow>(sql.builds, [name])).map(statusOf)
    },
    async read(selector, ids) {
      const { name, version = null, snapshot } = selector
      const values = [name, version, ids.map(({ tenant }) => tenant), ids.map(({ id }) => id)]
      const rows = await (snapshot === undefined
        ? query<ReadRow>(sql.read, values)
        : query<ReadRow>(sql.readAsOf, [...values, snapshot]))
      return documentsOf(selector, rows)
    },
    async list(selector, { tenant, after = null, limit }) {
      const { name, version = null, snapshot } = selector
      const rows = await (snapshot === undefined
        ? query<ListRow>(sql.list, [name, version, tenant, after, limit])
        : query<ListRow>(sql.listAsOf, [name, version, tenant, after, snapshot, limit]))
      return pageOf(selector, rows)
    },
    async nearestSnapshot({ name, version }, bound) {
      const [position, timeMs] = 'position' in bound ? [bound.position, null] : [null, bound.timeMs]
      const [row] = await query<SnapshotRow>(sql.nearestSnapshot, [name, version, position, timeMs])
      return row && { position: row.position ?? 0n, recordedUntilMs: Number(row.recorded_until_ms ?? 0n) }
    },
    close() {
      closing ??= underWay.end().then(() => database.close())
      return closing
    },
  }
}
