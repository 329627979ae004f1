import { statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createSqliteEventStore } from './index.ts'
import { newEvent, temporaryDataDir } from './testing/kit.ts'

/** Pages of 4 KiB at which the log is copied into the database: see connections.ts. */
const checkpointBytes = 1_000 * 4_096

test('the log stays bounded while others read, and is gone after a close', async () => {
  using dataDir = temporaryDataDir()
  await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
  const log = `${dataDir.database}-wal`
  const filler = 'x'.repeat(64 * 1024)
  let largest = 0
  let written = 0
  let on = true
  const read = async (): Promise<void> => {
    while (on) {
      await store.read(`s-${written}`, { direction: 'backwards', maxCount: 1 })
      await new Promise(setImmediate)
    }
  }
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; written < 20 * checkpointBytes; n += 1) {
      await store.append(`s-${writer}-${n}`, [newEvent({ data: { filler } })], 'no_stream')
      written += filler.length
      largest = Math.max(largest, statSync(log).size)
    }
    on = false
  }
  await Promise.all([read(), read(), ...Array.from({ length: 8 }, (_, writer) => write(writer))])
  expect(largest).toBeGreaterThan(checkpointBytes / 2)
  expect(largest).toBeLessThan(3 * checkpointBytes)
  await store.close()
  expect(statSync(log, { throwIfNoEntry: false })).toBeUndefined()
})
