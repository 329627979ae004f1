import { spawn } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { createSqliteEventStore } from './index.ts'
import { DatabaseSync } from './sqlite.ts'
import { followReports, readEverything, temporaryDataDir, testFile } from './testing/kit.ts'
import type { TemporaryDataDir, TestProcess } from './testing/kit.ts'

/** Largest file that the process may write, KiB: a disk that is full, for one process, without being root. */
const limitKiB = 4 * 1024

/** Node ignores SIGXFSZ, so that a write beyond the limit fails with EFBIG. */
const startLimited = (dataDir: TemporaryDataDir): TestProcess =>
  followReports(
    spawn(
      'bash',
      [
        '-c',
        `ulimit -f ${limitKiB} && exec "$0" "$@"`,
        process.execPath,
        testFile('append-until-told.ts'),
        dataDir.folder,
      ],
      { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
    ),
  )

describe('no room on the disk', () => {
  test('is told as unavailable, loses nothing, and the store goes on once there is room', async () => {
    using dataDir = temporaryDataDir()
    await using writing = startLimited(dataDir)
    const refused = await writing.report((report) => report.kind === 'refused')
    expect(refused).toMatchObject({ code: 'unavailable' })
    const before = writing.reports.filter((report) => report.kind === 'acknowledged').length
    expect(before).toBeGreaterThan(10)

    // Room: this process has no limit, and copies the log into the database, so that it can be begun anew.
    const helper = new DatabaseSync(dataDir.database, { timeout: 30_000 })
    helper.exec('PRAGMA wal_checkpoint(RESTART)')
    helper.close()
    await writing.report((report) => report.kind === 'acknowledged' && report.revision === before)
    writing.child.send('enough')
    await writing.ended
    expect(writing.child.exitCode).toBe(0)

    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    const acknowledged = writing.reports.flatMap((report) => (report.kind === 'acknowledged' ? [report.id] : []))
    expect((await readEverything(store)).map((event) => event.id)).toEqual(acknowledged)
  })
})
