/** "HOLD": marks the file as an event store of Holdfast (`PRAGMA application_id`). */
export const applicationId = 0x484f4c44

/**
 * The steps that lead to the current schema; step n makes `PRAGMA user_version` n + 1. A step that was released is
 * never changed: add another.
 */
export const migrations: readonly string[] = [
  // `position` is the global order: given out by the only writer, without gaps, never again.
  // `stream_hash` is a 48-bit number of the name: see stream-hash.ts.
  // `data` and `metadata` stand last: a look at the other columns does not load the pages that they run over.
  `CREATE TABLE events (
     position INTEGER PRIMARY KEY,
     stream_hash INTEGER NOT NULL,
     revision INTEGER NOT NULL,
     recorded_at_ms INTEGER NOT NULL,
     stream TEXT NOT NULL,
     id TEXT NOT NULL,
     type TEXT NOT NULL,
     data TEXT NOT NULL,
     metadata TEXT NOT NULL
   ) STRICT;
   CREATE INDEX events_by_stream ON events (stream_hash, revision);
   CREATE INDEX events_by_type ON events (type);
   CREATE TABLE checkpoints (
     name TEXT PRIMARY KEY,
     position INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE write_probe (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     written_at_ms INTEGER NOT NULL
   ) STRICT;`,
  // How many events were removed on purpose: with those that are there, as many as the last position says.
  `CREATE TABLE removals (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     events INTEGER NOT NULL
   ) STRICT;
   INSERT INTO removals (id, events) VALUES (1, 0);`,
  // The index of streams becomes a table, since new events come into it later, many at a time: see README. Its columns have
  // names of their own, and what is there already is taken in when the store is opened for writing.
  `DROP INDEX events_by_stream;
   CREATE TABLE stream_index (
     hash INTEGER NOT NULL,
     at_revision INTEGER NOT NULL,
     at_position INTEGER NOT NULL,
     PRIMARY KEY (hash, at_revision, at_position)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE indexed (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     position INTEGER NOT NULL
   ) STRICT;
   INSERT INTO indexed (id, position) VALUES (1, 0);`,
  // The index of types has one entry for each 64 positions (type-blocks.ts), not one for each event.
  `CREATE TABLE type_blocks (
     name TEXT NOT NULL,
     block INTEGER NOT NULL,
     PRIMARY KEY (name, block)
   ) STRICT, WITHOUT ROWID;
   INSERT INTO type_blocks (name, block) SELECT DISTINCT type, position - 1 >> 6 FROM events INDEXED BY events_by_type;
   DROP INDEX events_by_type;`,
]

export const schemaVersion = migrations.length
