import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteHistory } from '@holdfast/event-store-sqlite'
import { temporaryFolder, type TemporaryFolder } from '@holdfast/testing/processes'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSampleStore } from '../test-support/sample-store.ts'
import type { SealVerdict } from './compare.ts'
import { createKeyPair, readPrivateKey, readPublicKey } from './keys.ts'
import { makeSeal } from './make-seal.ts'
import { openComparison } from './open-comparison.ts'

const pair = createKeyPair()
const privateKey = readPrivateKey(pair.privatePem)
const publicKey = readPublicKey(pair.publicPem)

/** Made once, and copied for each test: a data folder and its seals. */
let origin: TemporaryFolder
let folder: TemporaryFolder

const dataDir = () => join(folder.path, 'data')
const sealDir = () => join(folder.path, 'seals')

beforeAll(async () => {
  await using sample = await createSampleStore()
  origin = await temporaryFolder()
  const seals = join(origin.path, 'seals')
  for (let at = 1; at <= 6; at++) await sample.send('transfer.make', `key-${at}`, { amount: at })
  await seal(sample.dataDir, seals)
  await sample.send('account.open', 'account', { owner: 'Ada' })
  await sample.send('transfer.make', 'too-much', { amount: 5_000 })
  await seal(sample.dataDir, seals)
  await sample.close()
  await cp(sample.dataDir, join(origin.path, 'data'), { recursive: true })
})
afterAll(async () => {
  await origin[Symbol.asyncDispose]()
})
beforeEach(async () => {
  folder = await temporaryFolder()
  await cp(origin.path, folder.path, { recursive: true })
})
afterEach(async () => {
  await folder[Symbol.asyncDispose]()
})

async function seal(data: string, seals: string) {
  await using history = openSqliteHistory({ dataDir: data })
  return await makeSeal({ history, folder: seals, privateKey, nowMs: Date.now() })
}

function tamper(statements: string): void {
  const database = new DatabaseSync(join(dataDir(), 'events.sqlite'))
  database.exec(statements)
  database.close()
}

async function compare(kept: readonly string[] = []): Promise<SealVerdict> {
  await using history = openSqliteHistory({ dataDir: dataDir() })
  const comparison = await openComparison({ history, folder: sealDir(), publicKey, kept })
  try {
    for await (const page of history.events()) await comparison.take(page)
    return await comparison.finish()
  } finally {
    await comparison.close()
  }
}

const places = (verdict: SealVerdict) => verdict.breaches.map(({ kind, position }) => `${kind} ${position}`)

/** Each is one thing that somebody with access to the file can do; `first` is what has to be named. */
const tamperings: readonly { readonly what: string; readonly sql: string; readonly first: string }[] = [
  {
    what: 'a byte of the data',
    sql: `UPDATE events SET data = replace(data, '3', '4') WHERE position = 3`,
    first: 'changed 3',
  },
  {
    what: 'a space in the data',
    sql: `UPDATE events SET data = replace(data, ':', ': ') WHERE position = 3`,
    first: 'changed 3',
  },
  {
    what: 'the recorded response',
    sql: `UPDATE events SET metadata = json_set(metadata, '$.outcome.response.body', '{"amount":1000000}') WHERE position = 2`,
    first: 'changed 2',
  },
  {
    what: 'the time of expiry',
    sql: `UPDATE events SET metadata = json_set(metadata, '$.outcome.expiresAtMs', 1) WHERE position = 4`,
    first: 'changed 4',
  },
  { what: 'the type', sql: `UPDATE events SET type = 'TransferLost' WHERE position = 1`, first: 'changed 1' },
  {
    what: 'the id',
    sql: `UPDATE events SET id = '00000000-0000-4000-8000-000000000000' WHERE position = 5`,
    first: 'changed 5',
  },
  {
    what: 'the time',
    sql: `UPDATE events SET recorded_at_ms = recorded_at_ms + 1 WHERE position = 6`,
    first: 'changed 6',
  },
  { what: 'the stream', sql: `UPDATE events SET stream = 'command-x' WHERE position = 2`, first: 'changed 2' },
  { what: 'the revision', sql: `UPDATE events SET revision = 1 WHERE position = 2`, first: 'changed 2' },
  {
    what: 'the order of two events',
    sql: `UPDATE events SET position = -1 WHERE position = 2;
          UPDATE events SET position = 2 WHERE position = 5;
          UPDATE events SET position = 5 WHERE position = -1`,
    first: 'changed 2',
  },
  { what: 'an event dropped', sql: 'DELETE FROM events WHERE position = 3', first: 'missing 3' },
  {
    what: 'an event dropped, and the others moved up',
    sql: `DELETE FROM events WHERE position = 3; UPDATE events SET position = position - 1 WHERE position > 3`,
    first: 'changed 3',
  },
  { what: 'the first event dropped', sql: 'DELETE FROM events WHERE position = 1', first: 'missing 1' },
  {
    what: 'an event inserted before the first',
    sql: `INSERT INTO events SELECT 0, 7, 0, recorded_at_ms, 'x', id, type, data, metadata FROM events WHERE position = 1`,
    first: 'inserted 0',
  },
  {
    what: 'an event inserted between others, which move on',
    sql: `UPDATE events SET position = -position - 1 WHERE position > 3;
          UPDATE events SET position = -position WHERE position < 0;
          INSERT INTO events SELECT 4, 7, 0, recorded_at_ms, 'x', id, type, data, metadata FROM events WHERE position = 1`,
    first: 'changed 4',
  },
  { what: 'the end cut off', sql: 'DELETE FROM events WHERE position > 7', first: 'missing 8' },
  { what: 'everything gone', sql: 'DELETE FROM events', first: 'missing 1' },
]

describe('a seal', () => {
  it('holds for the store that was sealed, and for what comes later', async () => {
    expect(await compare()).toMatchObject({ whole: true, leavesSound: true, unsealedEvents: 0, breachCount: 0 })
    tamper(`INSERT INTO events SELECT position + 1, stream_hash, revision + 1, recorded_at_ms, stream, id, type, data, metadata
              FROM events ORDER BY position DESC LIMIT 1`)
    const verdict = await compare()
    expect(verdict).toMatchObject({ whole: true, unsealedEvents: 1 })
    expect(verdict.sealedEvents).toBeGreaterThan(8)
  })

  for (const { what, sql, first } of tamperings) {
    it(`is broken by a change of what is stored, and names the first position: ${what}`, async () => {
      tamper(sql)
      const verdict = await compare()
      expect(verdict.whole).toBe(false)
      expect(verdict.leavesSound).toBe(true)
      expect(places(verdict)[0]).toBe(first)
      const { after, upTo } = verdict.brokenBetween ?? { after: 0n, upTo: 0n }
      const position = BigInt(first.split(' ')[1] ?? '')
      // The roots alone narrow it down to what came between two seals.
      if (position > 0n) expect([after < position, position <= upTo]).toEqual([true, true])
    })

    it(`is broken also when only the signed heads are left: ${what}`, async () => {
      await rm(join(sealDir(), 'leaves.bin'))
      tamper(sql)
      const verdict = await compare()
      expect(verdict.whole).toBe(false)
      expect(verdict.brokenBetween).toBeDefined()
    })
  }

  it('does not take leaves for proof that do not make up the signed root', async () => {
    tamper(`UPDATE events SET data = replace(data, '3', '4') WHERE position = 3`)
    const path = join(sealDir(), 'leaves.bin')
    const bytes = await readFile(path)
    bytes[2 * 40 + 20] = (bytes[2 * 40 + 20] ?? 0) ^ 1
    await writeFile(path, bytes)
    expect(await compare()).toMatchObject({ whole: false, leavesSound: false, brokenBetween: { after: 0n, upTo: 6n } })
  })

  it('says that the store is whole when only its own leaves are damaged', async () => {
    const path = join(sealDir(), 'leaves.bin')
    const bytes = await readFile(path)
    bytes[60] = (bytes[60] ?? 0) ^ 1
    await writeFile(path, bytes)
    expect(await compare()).toMatchObject({ whole: true, leavesSound: false, breachCount: 0 })
  })

  it('is known to be rolled back by a checkpoint that was kept elsewhere', async () => {
    const kept = (await seal(dataDir(), sealDir())).note
    const path = join(sealDir(), 'seal.jsonl')
    const [first] = (await readFile(path, 'utf8')).split('\n')
    await writeFile(path, `${first ?? ''}\n`)
    tamper('DELETE FROM events WHERE position > 6')
    expect(await compare()).toMatchObject({ whole: true })
    expect(await compare([kept])).toMatchObject({ whole: false, brokenBetween: { after: 6n } })
  })
})
