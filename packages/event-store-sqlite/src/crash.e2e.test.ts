import { randomInt } from 'node:crypto'
import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createSqliteEventStore } from './index.ts'
import { crashImage, newEvent, readEverything, startProcess, temporaryDataDir } from './testing/kit.ts'
import type { Report } from './testing/kit.ts'

const rounds = 12

type Acknowledged = Extract<Report, { kind: 'acknowledged' }>
const isAcknowledged = (report: Report): report is Acknowledged => report.kind === 'acknowledged'

describe('an acknowledged append is never lost', () => {
  test(`over ${rounds} processes that are killed while they write, at a random moment`, async () => {
    using dataDir = temporaryDataDir()
    const acknowledged: Acknowledged[] = []
    for (let run = 0; run < rounds; run += 1) {
      await using writing = startProcess('append-until-killed.ts', [dataDir.folder, String(run)])
      const enough = randomInt(1, 2_000)
      await writing.report((_report) => writing.reports.filter(isAcknowledged).length >= enough)
      await writing.kill()
      expect(writing.child.signalCode).toBe('SIGKILL')
      acknowledged.push(...writing.reports.filter(isAcknowledged))

      await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
      const events = await readEverything(store)
      const stored = new Map(events.map((event) => [`${event.stream} ${event.revision}`, event.id]))
      const lost = acknowledged.filter(({ stream, revision, id }) => stored.get(`${stream} ${revision}`) !== id)
      expect(lost).toEqual([])
      // The global order and each stream are without gaps, and appends of two events whole.
      expect(events.map((event) => event.position)).toEqual(events.map((_, index) => BigInt(index + 1)))
      for (const stream of Map.groupBy(events, (event) => event.stream).values()) {
        expect(stream.map((event) => event.revision)).toEqual(stream.map((_, index) => BigInt(index)))
        expect(stream.length % 2).toBe(0)
      }
    }
    expect(acknowledged.length).toBeGreaterThan(rounds)
  })

  test.each([
    {
      case: 'garbage after the last commit',
      tear: (log) => {
        appendFileSync(log, Buffer.alloc(10_000, 0xa5))
      },
    },
    {
      case: 'zeros after the last commit',
      tear: (log) => {
        appendFileSync(log, Buffer.alloc(64 * 1024))
      },
    },
    {
      case: 'the beginning of a frame',
      tear: (log) => {
        appendFileSync(log, readFileSync(log).subarray(32, 32 + 2_000))
      },
    },
    {
      case: 'an old frame again',
      tear: (log) => {
        appendFileSync(log, readFileSync(log).subarray(32, 32 + 24 + 4_096))
      },
    },
  ] as const satisfies readonly { case: string; tear: (log: string) => void }[])(
    'with $case in the log',
    async ({ tear }) => {
      using dataDir = temporaryDataDir()
      await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
      for (let n = 0; n < 20; n += 1) await store.append(`stream-${n}`, [newEvent(), newEvent()], 'no_stream')
      using image = crashImage(dataDir)
      tear(`${image.database}-wal`)
      await using after = await createSqliteEventStore({ dataDir: image.folder })
      expect(await readEverything(after)).toEqual(await readEverything(store))
      expect((await after.append('stream-0', [newEvent()], 1n)).kind).toBe('appended')
    },
  )

  test('with a commit in the log that was cut at any point: the commits before it stay, it is gone whole', async () => {
    using dataDir = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    for (let n = 0; n < 5; n += 1) await store.append(`stream-${n}`, [newEvent(), newEvent()], 'no_stream')
    const acknowledged = await readEverything(store)
    const log = `${dataDir.database}-wal`
    const before = statSync(log).size
    await store.append('cut', [newEvent({ data: { filler: 'x'.repeat(9_000) } }), newEvent()], 'no_stream')
    const whole = statSync(log).size
    expect(whole).toBeGreaterThan(before)
    for (let n = 0; n < 20; n += 1) {
      using image = crashImage(dataDir)
      truncateSync(`${image.database}-wal`, randomInt(before, whole))
      await using after = await createSqliteEventStore({ dataDir: image.folder })
      expect(await readEverything(after)).toEqual(acknowledged)
    }
  })

  test('with a commit in the log of which one byte is wrong: it is gone whole', async () => {
    using dataDir = temporaryDataDir()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    await store.append('first', [newEvent()], 'no_stream')
    const acknowledged = await readEverything(store)
    const before = statSync(`${dataDir.database}-wal`).size
    await store.append('torn', [newEvent({ data: { filler: 'x'.repeat(9_000) } })], 'no_stream')
    using image = crashImage(dataDir)
    const log = readFileSync(`${image.database}-wal`)
    log[randomInt(before + 24, log.length)]! ^= 0xff
    writeFileSync(`${image.database}-wal`, log)
    await using after = await createSqliteEventStore({ dataDir: image.folder })
    expect(await readEverything(after)).toEqual(acknowledged)
  })
})
