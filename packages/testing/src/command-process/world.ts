import { defineApp, type App, type Command, type Ids } from '@holdfast/core'
import { createManualClock, createTestIds, type ManualClock } from '../clock/index.ts'
import { createMemoryLog, openMemoryEventStore, type MemoryLog } from '../memory-event-store/index.ts'
import { startProcess, type ProcessOptions, type TestProcess } from './process.ts'

export interface WorldOptions {
  readonly commands: readonly Command[]
  /** How far the store's clock is ahead of the true one, milliseconds. Default 0. */
  readonly storeSkewMs?: number
  /** The margin that every process allows for, see KeyPolicy. Default 0. */
  readonly clockSkewMs?: number
  /** Default 1 MiB. */
  readonly maxEventBytes?: number
}

/** What all processes share, and what outlives them. */
export interface World {
  readonly app: App
  readonly clock: ManualClock
  readonly ids: Ids
  readonly log: MemoryLog
  readonly clockSkewMs: number
  /** Starts a process: a handler and a gateway on a store of their own over the log. */
  start(options?: ProcessOptions): TestProcess
}

/** 2023-11-14T22:13:20Z. */
const startMs = 1_700_000_000_000

export function createWorld(options: WorldOptions): World {
  const clock = createManualClock(startMs)
  const { storeSkewMs = 0, clockSkewMs = 0, maxEventBytes } = options
  const world: World = {
    app: defineApp({ name: 'test', commands: options.commands }),
    clock,
    ids: createTestIds(),
    log: createMemoryLog({
      nowMs: () => clock.nowMs() + storeSkewMs,
      ...(maxEventBytes !== undefined && { maxEventBytes }),
    }),
    clockSkewMs,
    start: (processOptions = {}) => startProcess(world, openMemoryEventStore(world.log), processOptions),
  }
  return world
}
