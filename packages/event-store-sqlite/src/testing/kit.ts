import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventStore, NewEvent, RecordedEvent } from '@holdfast/core'
import { dataDirOf } from '../data-dir.ts'
import type { DataDir } from '../data-dir.ts'

export interface TemporaryDataDir extends DataDir, Disposable {}

/** An empty folder for a store; removed at the end of the scope. */
export function temporaryDataDir(): TemporaryDataDir {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-sqlite-'))
  return {
    ...dataDirOf(folder),
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The database files as they are now, as a crash at this moment would leave them, in a folder of their own. */
export function crashImage(of: DataDir): TemporaryDataDir {
  const image = temporaryDataDir()
  cpSync(of.database, image.database)
  cpSync(`${of.database}-wal`, `${image.database}-wal`)
  return image
}

export const newEvent = (fields: Partial<NewEvent> = {}): NewEvent => ({
  id: randomUUID(),
  type: 'Happened',
  data: {},
  metadata: {},
  ...fields,
})

/** Everything in the store, in global order; default: of all types. */
export async function readEverything(
  store: EventStore,
  some: { readonly types?: readonly string[] } = {},
): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for await (const batch of store.subscribe({ ...some, prefix: '', signal: new AbortController().signal })) {
    events.push(...batch.events)
    if (batch.caughtUp) break
  }
  return events
}

/** What a test process reports, a line each. */
export type Report =
  | { readonly kind: 'open' }
  | { readonly kind: 'acknowledged'; readonly stream: string; readonly revision: number; readonly id: string }
  | { readonly kind: 'refused'; readonly code: string; readonly id: string }

export interface TestProcess extends AsyncDisposable {
  readonly child: ChildProcess
  readonly reports: Report[]
  /** Resolves once it has ended and all of its reports are here. */
  readonly ended: Promise<void>
  /** Resolves with the first report that fits, past or coming; rejects when the process ends before. */
  report(fits: (report: Report) => boolean): Promise<Report>
  /** Kills it, unless it has ended, and waits for that. */
  kill(): Promise<void>
}

/** Follows the reports on the standard output of a process that was started with it as a pipe. */
export function followReports(child: ChildProcess): TestProcess {
  const reports: Report[] = []
  const watchers = new Set<() => void>()
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    reports.push(...lines.map((line) => JSON.parse(line) as Report))
    for (const watch of watchers) watch()
  })
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve()
    })
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return {
    child,
    reports,
    ended,
    report: (fits) =>
      new Promise((resolve, reject) => {
        const watch = (): void => {
          const found = reports.find(fits)
          if (found === undefined) return
          watchers.delete(watch)
          resolve(found)
        }
        watchers.add(watch)
        watch()
        void ended.then(() => {
          reject(new Error(`the process ended before it reported that; it reported ${JSON.stringify(reports.at(-1))}`))
        })
      }),
    kill,
    [Symbol.asyncDispose]: kill,
  }
}

/** Starts a file of this folder as a process of its own. */
export const startProcess = (file: string, args: readonly string[]): TestProcess =>
  followReports(fork(testFile(file), args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] }))

export const testFile = (file: string): string => join(import.meta.dirname, file)
