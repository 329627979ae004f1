/** "HOLP": marks the file as a read store of Holdfast (`PRAGMA application_id`). */
export const applicationId = 0x484f4c50

/**
 * The steps that lead to the current schema; step n makes `PRAGMA user_version` n + 1. A step that was released is never
 * changed: add another.
 */
export const migrations: readonly string[] = [
  // `live`: 1 for the build that is read. `newest_snapshot`: what a commit has to keep documents for; -1 for nothing.
  // `since`: checkpoint of the commit that made the document; `json` is NULL where it was removed.
  `CREATE TABLE builds (
     build INTEGER PRIMARY KEY,
     name TEXT NOT NULL,
     version INTEGER NOT NULL,
     live INTEGER NOT NULL,
     position INTEGER NOT NULL,
     recorded_until_ms INTEGER NOT NULL,
     newest_snapshot INTEGER NOT NULL,
     owner TEXT,
     lease_until_ms INTEGER NOT NULL,
     token INTEGER NOT NULL,
     failure TEXT,
     UNIQUE (name, version)
   ) STRICT;
   CREATE UNIQUE INDEX one_live_build ON builds (name) WHERE live = 1;
   CREATE TABLE documents (
     build INTEGER NOT NULL,
     tenant TEXT NOT NULL,
     id TEXT NOT NULL,
     since INTEGER NOT NULL,
     json TEXT,
     PRIMARY KEY (build, tenant, id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE history (
     build INTEGER NOT NULL,
     tenant TEXT NOT NULL,
     id TEXT NOT NULL,
     since INTEGER NOT NULL,
     json TEXT,
     PRIMARY KEY (build, tenant, id, since)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE snapshots (
     build INTEGER NOT NULL,
     position INTEGER NOT NULL,
     recorded_until_ms INTEGER NOT NULL,
     PRIMARY KEY (build, position)
   ) STRICT, WITHOUT ROWID;`,
]

export const schemaVersion = migrations.length
