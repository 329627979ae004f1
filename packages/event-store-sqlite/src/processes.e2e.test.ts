import { describe, expect, test } from 'vitest'
import { backupDataDir, createSqliteEventStore } from './index.ts'
import { startProcess, temporaryDataDir } from './testing/kit.ts'

describe('a data folder has one process at a time', () => {
  test('a second is refused with the folder and the first one named; a kill -9 leaves no lock', async () => {
    using dataDir = temporaryDataDir()
    await using first = startProcess('hold-open.ts', [dataDir.folder])
    await first.report((report) => report.kind === 'open')
    const refused: unknown = await createSqliteEventStore({ dataDir: dataDir.folder }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ name: 'EventStoreError', code: 'unavailable' })
    expect(String(refused)).toContain(dataDir.folder)
    expect(String(refused)).toContain(`process ${first.child.pid}`)
    await first.kill()
    await using store = await createSqliteEventStore({ dataDir: dataDir.folder })
    await store.checkWritable()
  })

  test('a backup from another process needs no lock', async () => {
    using dataDir = temporaryDataDir()
    using elsewhere = temporaryDataDir()
    await using writing = startProcess('append-until-killed.ts', [dataDir.folder, 'backup'])
    await writing.report((report) => report.kind === 'acknowledged' && report.revision >= 9)
    const acknowledged = writing.reports.filter((report) => report.kind === 'acknowledged').length
    const backup = await backupDataDir({ dataDir: dataDir.folder, target: `${elsewhere.folder}/copy` })
    expect(backup.events).toBeGreaterThanOrEqual(acknowledged)
    // And the process goes on.
    const later = writing.reports.length + 100
    await writing.report((_report) => writing.reports.length > later)
  })
})
