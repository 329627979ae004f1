import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder, until } from '@holdfast/testing/processes'
import { freshKey } from './api.ts'

/** The gate in front of a `test.gated` or `test.stubborn` command, see `distributed-app.ts`. */
export interface Gate {
  /** The command's input. */
  readonly json: { readonly folder: string; readonly name: string }
  /** Process ids of the handlers that have begun the command, in order; one twice when it began it twice. */
  begun(): Promise<readonly number[]>
  /** Of those that came to their decision. */
  decided(): Promise<readonly number[]>
  /** Waits until so many handlers have begun it; returns all of them. */
  untilBegun(count: number): Promise<readonly number[]>
  untilDecided(count: number): Promise<readonly number[]>
  open(): Promise<void>
}

export interface Gates extends AsyncDisposable {
  /** A gate of its own, closed. */
  create(): Gate
}

/** A handler that died is missed after its session only, and the machine may have other work. */
const timeoutMs = 60_000

/** Gates in a temporary folder. */
export async function createGates(): Promise<Gates> {
  const folder = await temporaryFolder('holdfast-gates')
  return {
    create() {
      const name = freshKey()
      const file = (what: string): string => join(folder.path, `${name}.${what}`)
      const pids = async (what: string): Promise<readonly number[]> => {
        const text = await readFile(file(what), 'utf8').catch(() => '')
        return text.split('\n').filter(Boolean).map(Number)
      }
      const untilCount = (what: string, count: number): Promise<readonly number[]> =>
        until(
          async () => {
            const found = await pids(what)
            return found.length >= count && found
          },
          { what: `${count} handlers have ${what} it`, timeoutMs },
        )
      return {
        json: { folder: folder.path, name },
        begun: () => pids('begun'),
        decided: () => pids('decided'),
        untilBegun: (count) => untilCount('begun', count),
        untilDecided: (count) => untilCount('decided', count),
        open: () => writeFile(file('open'), ''),
      }
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}
