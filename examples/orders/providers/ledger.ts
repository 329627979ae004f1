import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** One effect that a provider had: recorded once for its key, and kept. */
export interface LedgerEntry<Effect> {
  readonly key: string
  readonly effect: Effect
}

/** What a provider has done, by idempotency key. */
export interface Ledger<Effect> {
  /** The effect under this key: the recorded one, or the one that `make` gives, durable before this resolves. */
  once(key: string, make: () => Effect): Promise<Effect>
  entries(): readonly LedgerEntry<Effect>[]
  close(): void
}

interface Waiting<Effect> {
  readonly key: string
  readonly make: () => Effect
  readonly settled: PromiseWithResolvers<Effect>
}

/**
 * A ledger in a SQLite file, which several processes may share: one row for each key. All that wait in a turn of the
 * event loop share one transaction and one sync.
 */
export function openLedger<Effect>(file: string): Ledger<Effect> {
  mkdirSync(dirname(file), { recursive: true })
  const database = new DatabaseSync(file, { timeout: 10_000 })
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS effects (key TEXT PRIMARY KEY, effect TEXT NOT NULL) STRICT`)
  const find = database.prepare('SELECT effect FROM effects WHERE key = ?')
  const insert = database.prepare('INSERT INTO effects (key, effect) VALUES (?, ?)')
  const all = database.prepare('SELECT key, effect FROM effects ORDER BY rowid')
  let waiting: Waiting<Effect>[] = []

  const record = ({ key, make }: Waiting<Effect>): Effect => {
    const known = find.get(key)
    if (known !== undefined) return JSON.parse(String(known['effect'])) as Effect
    const effect = make()
    insert.run(key, JSON.stringify(effect))
    return effect
  }

  const flush = (): void => {
    const batch = waiting
    waiting = []
    try {
      database.exec('BEGIN IMMEDIATE')
      const effects = batch.map(record)
      database.exec('COMMIT')
      for (const [at, { settled }] of batch.entries()) settled.resolve(effects[at] as Effect)
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      for (const { settled } of batch) settled.reject(error)
    }
  }

  return {
    once(key, make) {
      const settled = Promise.withResolvers<Effect>()
      if (waiting.push({ key, make, settled }) === 1) setImmediate(flush)
      return settled.promise
    },
    entries: () =>
      all.all().map((row) => ({ key: String(row['key']), effect: JSON.parse(String(row['effect'])) as Effect })),
    close: () => {
      database.close()
    },
  }
}
