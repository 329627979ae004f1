/**
 * Measures the store on this machine: `node packages/event-store-sqlite/src/measure/main.ts [streams]`. Appends of fresh
 * keys on the writing thread and, for comparison, on the calling thread, in turns; reads; at 1,000 streams and at
 * `streams` (default 1,000,000). The figures in docs/decisions/0008 come from here.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventStore } from '@holdfast/core'
import { dataDirOf } from '../data-dir.ts'
import { createGroupWriter } from '../group-writer.ts'
import { createSqliteEventStore } from '../index.ts'
import { checkStructure, prepareDatabase } from '../prepare-database.ts'
import { openReader, openWriter } from '../connections.ts'
import { streamHash } from '../stream-hash.ts'
import { commandEvent, freshStream, round, runAppenders } from './appenders.ts'
import type { AppenderOptions } from './appenders.ts'
import { openSameThread } from './same-thread.ts'

const full = Number(process.argv[2] ?? 1_000_000)
const known: string[] = []

const folder = mkdtempSync(join(tmpdir(), 'holdfast-measure-'))
const dataDir = dataDirOf(folder)
try {
  prepareDatabase(dataDir)
  fill(1_000)
  await measureAll(1_000)
  fill(full)
  await measureAll(full)
  measureChecks()
} finally {
  rmSync(folder, { recursive: true })
}

/** Stores streams in bulk, up to about this many. */
function fill(count: number): void {
  const writer = createGroupWriter(openWriter(dataDir.database))
  while (writer.head() < count) {
    const events = Array.from({ length: 1_000 }, commandEvent)
    const streams = events.map(freshStream)
    if (known.length < 100_000) known.push(...streams)
    const appends = {
      streams,
      hashes: streams.map(streamHash),
      expected: events.map(() => -1),
      counts: events.map(() => 1),
      ids: events.map((event) => event.id),
      types: events.map((event) => event.type),
      data: events.map((event) => JSON.stringify(event.data)),
      metadata: events.map((event) => JSON.stringify(event.metadata)),
    }
    writer.write([{ appends, checkpoints: [], truncations: [], probe: false, atMs: Date.now() }])
  }
  writer.close()
}

async function measureAll(streams: number): Promise<void> {
  const cases: AppenderOptions[] = [
    { appends: 3_000, concurrency: 1, busyUs: 0 },
    { appends: 3_000, concurrency: 1, busyUs: 60 },
    { appends: 40_000, concurrency: 64, busyUs: 0 },
    { appends: 40_000, concurrency: 64, busyUs: 60 },
  ]
  for (const options of cases) {
    for (let round = 0; round < 2; round += 1) {
      await onThread(streams, options)
      await onCaller(streams, options)
    }
  }
  await measureReads(streams)
}

async function onThread(streams: number, options: AppenderOptions): Promise<void> {
  await using store = await createSqliteEventStore({ dataDir: folder })
  print({
    streams,
    writer: 'thread',
    ...options,
    ...(await runAppenders((...append) => store.append(...append), options)),
    rssMb: rssMb(),
    walMb: walMb(),
  })
}

async function onCaller(streams: number, options: AppenderOptions): Promise<void> {
  const { append, close } = openSameThread(dataDir.database)
  print({
    streams,
    writer: 'caller',
    ...options,
    ...(await runAppenders(append, options)),
    rssMb: rssMb(),
    walMb: walMb(),
  })
  close()
}

async function measureReads(streams: number): Promise<void> {
  await using store = await createSqliteEventStore({ dataDir: folder })
  print({ streams, reads: 'idle', perSecond: await readRate(store) })
  let writing = true
  const writers = runAppenders((...append) => store.append(...append), {
    appends: 40_000,
    concurrency: 16,
    busyUs: 0,
  }).then((result) => {
    writing = false
    return result
  })
  print({ streams, reads: 'while 16 append', perSecond: await readRate(store, () => writing) })
  print({ streams, appends: 'meanwhile', perSecond: (await writers).perSecond })
  print({ streams, reads: 'missing streams', perSecond: await readRate(store, undefined, freshStream) })
}

/** Reads of the last event of a stream, one after the other. */
async function readRate(
  store: EventStore,
  goOn?: () => boolean,
  stream = (): string => known[Math.floor(Math.random() * known.length)] ?? '',
): Promise<number> {
  const start = performance.now()
  let reads = 0
  while (goOn ? goOn() : reads < 100_000) {
    await store.read(stream(), { direction: 'backwards', maxCount: 1 })
    reads += 1
    // Lets answers of the writing thread in.
    if (reads % 50 === 0) await new Promise(setImmediate)
  }
  return Math.round((reads / (performance.now() - start)) * 1000)
}

function measureChecks(): void {
  const database = openReader(dataDir.database)
  const start = performance.now()
  checkStructure(database, dataDir.database)
  print({
    check: 'quick_check',
    mb: round(statSync(dataDir.database).size / 1e6),
    ms: Math.round(performance.now() - start),
  })
  database.close()
}

function rssMb(): number {
  return Math.round(process.memoryUsage().rss / 1e6)
}

function walMb(): number {
  return round((statSync(`${dataDir.database}-wal`, { throwIfNoEntry: false })?.size ?? 0) / 1e6)
}

function print(line: object): void {
  console.log(JSON.stringify(line))
}
