import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'

/** The least that a store of answers must keep, so that one is found again by its key. Settings as in Holdfast's own store. */
export interface DurableRows {
  /** One transaction, durable when it returns. */
  insert(rows: readonly Row[]): void
  close(): void
}

export interface DurableRowsOptions {
  readonly path: string
  /** Whether a row is found again by its key. */
  readonly indexed: boolean
}

export interface Row {
  readonly key: string
  /** {@link placeOf} the key. */
  readonly place: number
  readonly answer: string
}

/** 48 bits of the key's SHA-256: where its entry stands in the index. At random, as keys of callers are. */
export const placeOf = (key: string): number => Number.parseInt(hash('sha256', key, 'hex').slice(0, 12), 16)

export function openDurableRows({ path, indexed }: DurableRowsOptions): DurableRows {
  const database = new DatabaseSync(path)
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA cache_size = -${8 * 1024};
    CREATE TABLE IF NOT EXISTS answers (
      position INTEGER PRIMARY KEY, place INTEGER NOT NULL, key TEXT NOT NULL, answer TEXT NOT NULL
    ) STRICT;
  `)
  if (indexed) database.exec('CREATE INDEX IF NOT EXISTS answers_by_place ON answers (place)')
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const insert = database.prepare('INSERT INTO answers (place, key, answer) VALUES (?, ?, ?)')
  return {
    insert(rows) {
      begin.run()
      for (const { place, key, answer } of rows) insert.run(place, key, answer)
      commit.run()
    },
    close() {
      database.close()
    },
  }
}
