import { mkdirSync, openSync, readFileSync, writeSync, closeSync, fdatasync } from 'node:fs'
import { dirname } from 'node:path'

/** One effect that a provider had: written once for its key, and kept. */
export interface LedgerEntry<Effect> {
  readonly key: string
  readonly effect: Effect
}

/** What a provider has done, by idempotency key. */
export interface Ledger<Effect> {
  /** The effect under this key: the recorded one, or the one that `make` gives, recorded durably before this resolves. */
  once(key: string, make: () => Effect): Promise<Effect>
  entries(): readonly LedgerEntry<Effect>[]
  close(): void
}

/**
 * A ledger in a file: one JSON line for each effect, synced before it is acknowledged; all that wait share one sync. A
 * torn last line, of an effect that was never acknowledged, is left out when the file is read.
 */
export function openLedger<Effect>(file: string): Ledger<Effect> {
  mkdirSync(dirname(file), { recursive: true })
  const effects = new Map<string, Effect>(readEntries<Effect>(file).map(({ key, effect }) => [key, effect]))
  const handle = openSync(file, 'a')
  const durable = new Map<string, Promise<void>>()
  let nextSync: Promise<void> | undefined

  const sync = (): Promise<void> => {
    nextSync ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        nextSync = undefined
        fdatasync(handle, (error) => {
          if (error === null) resolve()
          else reject(error)
        })
      })
    })
    return nextSync
  }

  return {
    async once(key, make) {
      const known = effects.get(key)
      if (known !== undefined) {
        await durable.get(key)
        return known
      }
      const effect = make()
      effects.set(key, effect)
      writeSync(handle, `${JSON.stringify({ key, effect } satisfies LedgerEntry<Effect>)}\n`)
      const synced = sync()
      durable.set(key, synced)
      await synced
      durable.delete(key)
      return effect
    },
    entries: () => [...effects].map(([key, effect]) => ({ key, effect })),
    close: () => {
      closeSync(handle)
    },
  }
}

function readEntries<Effect>(file: string): readonly LedgerEntry<Effect>[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const complete = text.slice(0, text.lastIndexOf('\n') + 1)
  return complete
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerEntry<Effect>)
}
