import { claimFunction, commitFunction, pruneFunction } from './functions.ts'

/**
 * The steps that lead to the current schema; step n makes version n + 1. A step that was released is never changed: add
 * another. While services are replaced one by one, older code runs on the newer schema: a step adds, and a function that
 * changes its arguments or its meaning gets a new name beside the old one.
 *
 * `schema` is the quoted name.
 */
export const migrations: readonly ((schema: string) => string)[] = [
  (schema) => `
    -- Which version of each projection is read.
    CREATE TABLE ${schema}.projections (
      name text COLLATE "C" PRIMARY KEY,
      live_version integer NOT NULL
    );
    CREATE TABLE ${schema}.builds (
      build_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      name text COLLATE "C" NOT NULL,
      version integer NOT NULL,
      position bigint NOT NULL DEFAULT 0,
      recorded_until_ms bigint NOT NULL DEFAULT 0,
      newest_snapshot bigint,
      -- The claim: its holder, until when by this server's clock, and the fencing token.
      owner text,
      lease_until timestamptz NOT NULL DEFAULT '-infinity',
      token bigint NOT NULL DEFAULT 0,
      -- Older than the live one and being deleted: nobody reads it any more.
      discarded boolean NOT NULL DEFAULT false,
      failure_position bigint,
      failure_event_id text,
      failure_message text,
      failed_at_ms bigint,
      UNIQUE (name, version)
    ) WITH (fillfactor = 50);
    -- The documents as they are now. json: null marks one that was removed, for as long as an older state of it is kept.
    CREATE TABLE ${schema}.documents (
      build_id bigint NOT NULL,
      tenant text COLLATE "C" NOT NULL,
      id text COLLATE "C" NOT NULL,
      since bigint NOT NULL,
      json text,
      PRIMARY KEY (build_id, tenant, id)
    ) WITH (fillfactor = 80);
    -- What documents were before, as far as snapshots need it.
    CREATE TABLE ${schema}.older_documents (
      build_id bigint NOT NULL,
      tenant text COLLATE "C" NOT NULL,
      id text COLLATE "C" NOT NULL,
      since bigint NOT NULL,
      json text
    );
    -- The newest first, as a page as of a snapshot takes them: it ends when it is full.
    CREATE UNIQUE INDEX older_documents_by_id ON ${schema}.older_documents (build_id, tenant, id, since DESC);
    CREATE TABLE ${schema}.snapshots (
      build_id bigint NOT NULL,
      position bigint NOT NULL,
      recorded_until_ms bigint NOT NULL,
      PRIMARY KEY (build_id, position)
    );
    ${claimFunction(schema)}
    ${commitFunction(schema)}
    ${pruneFunction(schema)}
  `,
]

export const schemaVersion = migrations.length
