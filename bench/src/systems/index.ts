import { bare } from './bare.ts'
import { bareDurable, bareEvent } from './bare-durable.ts'
import { dbos } from './dbos.ts'
import { holdfast } from './holdfast.ts'
import { redisLocked, redisRecipe } from './redis.ts'
import { restate } from './restate.ts'
import { stopSystem, type Contender, type Place, type System } from './system.ts'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** All that is measured side by side, in the order of the tables. */
export const contenders: readonly Contender[] = [
  bare,
  bareDurable,
  bareEvent,
  holdfast,
  redisRecipe,
  redisLocked,
  restate,
  dbos,
]

export interface Running {
  readonly contender: Contender
  readonly system: System
}

export interface Line {
  readonly running: readonly Running[]
  /** Those that this machine cannot run, and why. */
  readonly skipped: readonly { readonly title: string; readonly reason: string }[]
}

export interface Chosen extends Omit<Place, 'folder'> {
  readonly chosen: readonly Contender[]
}

/** Starts them all, hands them over, and stops them whatever happens. */
export async function withSystems<T>({ chosen, ...place }: Chosen, use: (line: Line) => Promise<T>): Promise<T> {
  const folders: string[] = []
  const running: Running[] = []
  const skipped: { title: string; reason: string }[] = []
  try {
    for (const contender of chosen) {
      const folder = await mkdtemp(join(tmpdir(), `holdfast-bench-${contender.id}-`))
      folders.push(folder)
      await chmod(folder, 0o711)
      try {
        running.push({ contender, system: await contender.start({ folder, ...place }) })
      } catch (error) {
        if (!contender.optional) throw error
        const reason = error instanceof Error ? error.message : String(error)
        skipped.push({ title: contender.title, reason })
        console.error(`!! ${contender.title} is NOT measured: ${reason}`)
      }
    }
    return await use({ running, skipped })
  } finally {
    for (const { system } of running.toReversed()) await stopSystem(system)
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  }
}
