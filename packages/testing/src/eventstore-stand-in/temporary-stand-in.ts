import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import type { StandIn, StandInOptions } from './start-stand-in.ts'
import { startStandIn } from './start-stand-in.ts'

/** A stand-in on data of its own. Disposing of it removes the data. */
export interface TemporaryStandIn extends AsyncDisposable {
  /** The one that runs now. */
  readonly current: StandIn
  readonly dataFile: string
  /** Starts again on the same data and port, after `current` was closed or has died. */
  restart(options?: Partial<StandInOptions>): Promise<StandIn>
}

/** Starts a stand-in on a free port with its data in a temporary folder. */
export async function startTemporaryStandIn(options: Partial<StandInOptions> = {}): Promise<TemporaryStandIn> {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-eventstore-'))
  const dataFile = path.join(folder, 'events.log')
  const base = { port: 0, dataFile, ...options }
  let current = await startStandIn(base)
  return {
    get current() {
      return current
    },
    dataFile,
    async restart(changed = {}) {
      await current.close()
      current = await startStandIn({ ...base, port: current.port, ...changed })
      return current
    },
    async [Symbol.asyncDispose]() {
      await current.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
