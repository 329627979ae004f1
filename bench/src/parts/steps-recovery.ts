import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { commandStreamPrefix } from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { createSqliteEventStore } from '@holdfast/event-store-sqlite'
import { until } from '@holdfast/testing/processes'
import { z } from 'zod'
import { loadResult, putLoad, type LoadResult } from '../load/wrk.ts'
import type { Setting } from '../part.ts'
import { holdfastPaths, startEmbedded } from '../systems/holdfast.ts'
import { startKafkaInstallation } from '../systems/kafka-installation.ts'
import { orderBody } from '../systems/system.ts'
import { leaveUnresolved } from '../unresolved.ts'

const connections = 64
const patienceMs = 300_000
const stepsOfAnOrder = 3
const command = 'order.place-three-steps'
/** Longer than a try of any of the bench's commands may take. */
const leaseMs = 11_000

export const recovery = z.object({
  unresolved: z.number(),
  /** From the start of the process until each of them had its outcome. */
  seconds: z.number(),
  /** New pure commands from the moment at which the process was ready on, and afterwards on the same store. */
  during: loadResult,
  after: loadResult,
})

export type Recovery = z.infer<typeof recovery>

const unresolvedIn = ({ quick }: Setting): number => (quick ? 500 : 10_000)

/** A process that finds them in its SQLite store. */
export async function measureEmbeddedRecovery(setting: Setting): Promise<Recovery> {
  return inFolder(async (folder) => {
    const unresolved = unresolvedIn(setting)
    await leaveUnresolved(await createSqliteEventStore({ dataDir: folder }), command, unresolved)
    const startedAt = performance.now()
    const server = await startEmbedded(folder)
    try {
      const finished = until(() => stepsIn(folder) >= stepsOfAnOrder * unresolved, {
        what: 'all are resolved',
        timeoutMs: patienceMs,
        everyMs: 50,
      })
      return await measureBeside({ unresolved, startedAt, finished, url: server.url, seconds: setting.seconds })
    } finally {
      await server.stop()
    }
  })
}

/** A handler that finds them in EventStoreDB when their lease has run out; Kafka knows nothing of them. */
export async function measureDistributedRecovery(setting: Setting): Promise<Recovery> {
  return inFolder(async (folder) => {
    const unresolved = unresolvedIn(setting)
    const installation = await startKafkaInstallation(folder)
    const stopping = new AbortController()
    try {
      const connectionString = installation.eventstore
      await leaveUnresolved(createEventStoreDbEventStore({ connectionString }), command, unresolved)
      const gateway = await installation.service('gateway')
      await pause(leaseMs)
      const finished = untilSteps(connectionString, stepsOfAnOrder * unresolved, stopping.signal)
      finished.catch(() => undefined)
      const startedAt = performance.now()
      await installation.service('handler', {
        HOLDFAST_LEASE_MS: String(leaseMs),
        HOLDFAST_COMPLETER_MS: '1000',
      })
      return await measureBeside({ unresolved, startedAt, finished, url: gateway.url, seconds: setting.seconds })
    } finally {
      stopping.abort()
      await installation.stop()
    }
  })
}

async function measureBeside(of: {
  readonly unresolved: number
  readonly startedAt: number
  readonly finished: Promise<unknown>
  readonly url: string
  readonly seconds: number
}): Promise<Recovery> {
  const { unresolved, startedAt, finished, url, seconds } = of
  const took = finished.then(() => (performance.now() - startedAt) / 1_000)
  took.catch(() => undefined)
  const newOrders = (prefix: string): Promise<LoadResult> =>
    putLoad({ ...{ url, mode: 'fresh', path: holdfastPaths.plain, body: orderBody, connections, seconds }, prefix })
  const during = await newOrders('during')
  const tookSeconds = await took
  return { unresolved, seconds: tookSeconds, during, after: await newOrders('after') }
}

/** Steps that are recorded: of the unresolved ones, as the new orders have none. */
function stepsIn(dataDir: string): number {
  const database = new DatabaseSync(join(dataDir, 'events.sqlite'), { readOnly: true })
  try {
    return Number(
      database.prepare("SELECT count(*) AS steps FROM events WHERE type = 'StepCompleted'").get()?.['steps'],
    )
  } finally {
    database.close()
  }
}

/** Resolves when so many steps are recorded. */
async function untilSteps(connectionString: string, steps: number, stopped: AbortSignal): Promise<void> {
  const store = createEventStoreDbEventStore({ connectionString })
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(patienceMs)])
  let seen = 0
  try {
    for await (const { events } of store.subscribe({ prefix: commandStreamPrefix, types: ['StepCompleted'], signal })) {
      seen += events.length
      if (seen >= steps) return
    }
    throw new Error(`gave up waiting: ${seen} of ${steps} steps are recorded`)
  } finally {
    await store.close()
  }
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
