/**
 * The reads and small writes, as SQL on a quoted schema. Each is one statement: what it tells was so at one moment, the
 * position together with the documents.
 */

/** The build that a selector means: $1 its name, $2 its version or null for the live one. */
const selectedBuild = (schema: string): string => `
  SELECT b.build_id, b.version, b.position
  FROM ${schema}.builds b JOIN ${schema}.projections p ON p.name = b.name
  WHERE b.name = $1 AND b.version = coalesce($2::integer, p.live_version) AND NOT b.discarded`

const status = (schema: string): string => `
  SELECT b.name, b.version, b.version = p.live_version AS live, b.position, b.recorded_until_ms,
    CASE WHEN b.lease_until > clock_timestamp() THEN b.owner END AS owner,
    b.failure_position, b.failure_event_id, b.failure_message, b.failed_at_ms
  FROM ${schema}.projections p JOIN ${schema}.builds b ON b.name = p.name`

/** The document of one id as of a snapshot: the greatest `since` that is not later, now or before. */
const documentAsOf = (schema: string): string => `
  SELECT since, json FROM ${schema}.documents
    WHERE build_id = b.build_id AND tenant = wanted.tenant AND id = wanted.id AND since <= $5
  UNION ALL
  SELECT since, json FROM ${schema}.older_documents
    WHERE build_id = b.build_id AND tenant = wanted.tenant AND id = wanted.id AND since <= $5
  ORDER BY since DESC LIMIT 1`

export interface Statements {
  /** $1 name, $2 version, $3 owner, $4 lease in milliseconds. */
  readonly claim: string
  /** $1 name, $2 version, $3 token, $4 lease in milliseconds. */
  readonly renew: string
  /** $1 name, $2 version, $3 token, $4… the failure: position (null for none), event id, message, time. */
  readonly release: string
  /** As `commit_batch` takes them. */
  readonly commit: string
  /** $1 name, $2 limit. */
  readonly prune: string
  /** $1 name. */
  readonly live: string
  /** $1 name. */
  readonly builds: string
  /** $1 name, $2 version or null, $3 tenants, $4 ids. */
  readonly read: string
  /** The same, $5 the snapshot. */
  readonly readAsOf: string
  /** $1 name, $2 version or null, $3 tenant, $4 id before the first or null, $5 limit. */
  readonly list: string
  /** $1 name, $2 version or null, $3 tenant, $4 id before the first or null, $5 snapshot, $6 limit. */
  readonly listAsOf: string
  /** $1 name, $2 version, $3 position or null, $4 time or null. */
  readonly nearestSnapshot: string
}

export function createStatements(schema: string): Statements {
  return {
    claim: `SELECT * FROM ${schema}.claim_build($1, $2, $3, $4)`,
    renew: `
      UPDATE ${schema}.builds SET lease_until = clock_timestamp() + make_interval(secs => $4::double precision / 1000)
      WHERE name = $1 AND version = $2 AND token = $3
      RETURNING version`,
    release: `
      UPDATE ${schema}.builds SET owner = NULL, token = token + 1, lease_until = '-infinity',
        failure_position = coalesce($4::bigint, failure_position),
        failure_event_id = CASE WHEN $4::bigint IS NULL THEN failure_event_id ELSE $5 END,
        failure_message = CASE WHEN $4::bigint IS NULL THEN failure_message ELSE $6 END,
        failed_at_ms = CASE WHEN $4::bigint IS NULL THEN failed_at_ms ELSE $7::bigint END
      WHERE name = $1 AND version = $2 AND token = $3`,
    commit: `SELECT * FROM ${schema}.commit_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    prune: `SELECT ${schema}.prune_builds($1, $2) AS more`,
    live: `${status(schema)} AND b.version = p.live_version WHERE p.name = $1`,
    builds: `${status(schema)} WHERE p.name = $1 AND NOT b.discarded ORDER BY b.version DESC`,
    read: `
      SELECT b.version, b.position, wanted.n, d.json
      FROM (${selectedBuild(schema)}) b
      LEFT JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY AS wanted (tenant, id, n) ON true
      LEFT JOIN ${schema}.documents d ON d.build_id = b.build_id AND d.tenant = wanted.tenant AND d.id = wanted.id
      ORDER BY wanted.n`,
    readAsOf: `
      SELECT b.version, b.position, wanted.n, d.json
      FROM (${selectedBuild(schema)}) b
      LEFT JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY AS wanted (tenant, id, n) ON true
      LEFT JOIN LATERAL (${documentAsOf(schema)}) d ON true
      ORDER BY wanted.n`,
    list: `
      SELECT b.version, b.position, d.id, d.json
      FROM (${selectedBuild(schema)}) b
      LEFT JOIN LATERAL (
        SELECT id, json FROM ${schema}.documents
        WHERE build_id = b.build_id AND tenant = $3 AND ($4::text IS NULL OR id > $4) AND json IS NOT NULL
        ORDER BY id LIMIT $5
      ) d ON true
      ORDER BY d.id`,
    // What changed since then is found among the older ones, the rest where it is. A subquery, not NOT EXISTS, of which a join
    // over all documents would be made: so a page ends when it is full. Where an older one is kept, there is a current one.
    listAsOf: `
      SELECT b.version, b.position, d.id, d.json
      FROM (${selectedBuild(schema)}) b
      LEFT JOIN LATERAL (
        SELECT id, json FROM (
          (SELECT id, json FROM ${schema}.documents
            WHERE build_id = b.build_id AND tenant = $3 AND ($4::text IS NULL OR id > $4)
              AND since <= $5 AND json IS NOT NULL
            ORDER BY id LIMIT $6)
          UNION ALL
          (SELECT id, json FROM (
              SELECT DISTINCT ON (o.id) o.id, o.json FROM ${schema}.older_documents o
              WHERE o.build_id = b.build_id AND o.tenant = $3 AND ($4::text IS NULL OR o.id > $4) AND o.since <= $5
                AND (SELECT c.since FROM ${schema}.documents c
                  WHERE c.build_id = o.build_id AND c.tenant = o.tenant AND c.id = o.id) > $5
              ORDER BY o.id, o.since DESC
            ) older
            WHERE json IS NOT NULL
            ORDER BY id LIMIT $6)
        ) both_of_them
        ORDER BY id LIMIT $6
      ) d ON true
      ORDER BY d.id`,
    nearestSnapshot: `
      SELECT s.position, s.recorded_until_ms
      FROM ${schema}.builds b
      LEFT JOIN LATERAL (
        SELECT position, recorded_until_ms FROM ${schema}.snapshots
        WHERE build_id = b.build_id
          AND ($3::bigint IS NULL OR position <= $3) AND ($4::bigint IS NULL OR recorded_until_ms <= $4)
        ORDER BY position DESC LIMIT 1
      ) s ON true
      WHERE b.name = $1 AND b.version = $2 AND NOT b.discarded`,
  }
}
