import { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { IdempotencyKey } from '@holdfast/core'
import { openSqliteHistory } from '@holdfast/event-store-sqlite'
import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import { temporaryFolder, type TemporaryFolder } from '@holdfast/testing/processes'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { historyOfStore } from '../history.ts'
import { isConsistent } from '../merkle/check-proofs.ts'
import { sampleTenant } from '../test-support/sample-app.ts'
import { createSampleStore, type SampleStore } from '../test-support/sample-store.ts'
import { checkProof } from './check-proof.ts'
import { createKeyPair, readPrivateKey, readPublicKey } from './keys.ts'
import { makeSeal } from './make-seal.ts'
import { openComparison } from './open-comparison.ts'
import { proveKey, type ProofDocument } from './prove.ts'
import { readSeals, sealFilesOf } from './seal-folder.ts'

const pair = createKeyPair()
const privateKey = readPrivateKey(pair.privatePem)
const publicKey = readPublicKey(pair.publicPem)

let sample: SampleStore
let seals: TemporaryFolder

beforeEach(async () => {
  sample = await createSampleStore()
  seals = await temporaryFolder()
  for (let at = 1; at <= 5; at++) await sample.send('transfer.make', `key-${at}`, { amount: at })
})
afterEach(async () => {
  await sample[Symbol.asyncDispose]()
  await seals[Symbol.asyncDispose]()
})

async function seal(origin?: string) {
  await using history = openSqliteHistory({ dataDir: sample.dataDir })
  return await makeSeal({ history, folder: seals.path, privateKey, nowMs: Date.now(), ...(origin && { origin }) })
}

async function prove(key: string): Promise<ProofDocument> {
  await using history = openSqliteHistory({ dataDir: sample.dataDir })
  return await proveKey({ history, folder: seals.path, publicKey, tenant: sampleTenant, key: key as IdempotencyKey })
}

const sealsPath = () => join(seals.path, 'seal.jsonl')
const leavesPath = () => join(seals.path, 'leaves.bin')

describe('sealing', () => {
  it('signs the tree of all events, and each seal continues the one before', async () => {
    expect(await seal()).toMatchObject({
      kind: 'sealed',
      added: 5,
      checkpoint: { size: 5, position: 5n, origin: 'holdfast' },
    })
    for (let at = 6; at <= 12; at++) {
      await sample.send('transfer.make', `key-${at}`, { amount: at })
      expect(await seal()).toMatchObject({ kind: 'sealed', added: 1, checkpoint: { size: at } })
    }
    const all = await readSeals(sealFilesOf(seals.path), publicKey)
    expect(all).toHaveLength(8)
    for (const [at, { checkpoint, consistency }] of all.entries()) {
      const before = all[at - 1]?.checkpoint
      if (before !== undefined)
        expect(isConsistent({ earlier: before, later: checkpoint, path: consistency })).toBe(true)
    }
  })

  it('changes nothing when there is nothing new, and refuses an empty log', async () => {
    await seal()
    const text = await readFile(sealsPath(), 'utf8')
    expect(await seal()).toMatchObject({ kind: 'unchanged', added: 0 })
    expect(await readFile(sealsPath(), 'utf8')).toBe(text)
    const empty = historyOfStore(createMemoryEventStore())
    const elsewhere = join(seals.path, 'empty')
    await expect(makeSeal({ history: empty, folder: elsewhere, privateKey, nowMs: 0 })).rejects.toMatchObject({
      code: 'not-sealed',
    })
  })

  it('goes on after a crash in the middle: leaves without a seal, a seal without its end', async () => {
    await seal()
    await appendFile(leavesPath(), Buffer.alloc(95, 1))
    await appendFile(sealsPath(), '{"v":1,"checkpo')
    await sample.send('transfer.make', 'key-6', { amount: 6 })
    expect(await seal()).toMatchObject({ kind: 'sealed', added: 1 })
    expect(await readSeals(sealFilesOf(seals.path), publicKey)).toHaveLength(2)
    checkProof(JSON.stringify(await prove('key-6')), publicKey)
  })

  it('makes lost leaves anew from the store, if that is what was sealed', async () => {
    await seal()
    const before = await readFile(leavesPath())
    await truncate(leavesPath(), 45)
    expect(await seal()).toMatchObject({ kind: 'unchanged' })
    expect(await readFile(leavesPath())).toEqual(before)
    await rm(leavesPath())
    await sample.tamper(`UPDATE events SET type = 'Other' WHERE position = 2`)
    await expect(seal()).rejects.toMatchObject({ code: 'tampered' })
  })

  it('does not seal on top of a store whose last sealed event is gone', async () => {
    await seal()
    await sample.tamper('DELETE FROM events WHERE position = 5')
    await expect(seal()).rejects.toMatchObject({ code: 'tampered' })
  })

  it('keeps the place of events that were removed on purpose, before a seal and after', async () => {
    await sample.send('note.write', 'early', { text: 'a' })
    await sample.removeNotes()
    expect(await seal()).toMatchObject({ added: 7 })
    await sample.send('note.write', 'early', { text: 'b' })
    await sample.send('note.write', 'late', { text: 'c' })
    expect(await seal()).toMatchObject({ added: 2 })
    await sample.removeNotes()
    expect(await seal()).toMatchObject({ added: 2 })
    const holds = async () => {
      await using history = openSqliteHistory({ dataDir: sample.dataDir })
      const comparison = await openComparison({ history, folder: seals.path, publicKey })
      for await (const page of history.events()) await comparison.take(page)
      const verdict = await comparison.finish()
      await comparison.close()
      return verdict
    }
    expect(await holds()).toMatchObject({ whole: true, leavesSound: true, breachCount: 0, sealedEvents: 11 })
    // Also where the leaves have to be made anew, out of what is left.
    await rm(leavesPath())
    expect(await seal()).toMatchObject({ kind: 'unchanged' })
    expect(await holds()).toMatchObject({ whole: true, leavesSound: true })
    await sample.tamper(
      `UPDATE events SET data = json_set(data, '$.removed[0][1]', '${'a'.repeat(64)}') WHERE json_extract(data, '$.removed[0][0]') = '6'`,
    )
    expect(await holds()).toMatchObject({
      whole: false,
      breaches: [{ kind: 'changed', position: 6n }, { kind: 'changed' }],
    })
  })

  it('refuses seals of another key, of another log, changed or missing ones', async () => {
    await seal('example.com/a')
    await sample.send('transfer.make', 'key-6', { amount: 6 })
    await seal()
    await sample.send('transfer.make', 'key-7', { amount: 7 })
    await seal()
    await expect(seal('example.com/b')).rejects.toThrow('not of "example.com/b"')
    const files = sealFilesOf(seals.path)
    const stranger = readPublicKey(createKeyPair().publicPem)
    await expect(readSeals(files, stranger)).rejects.toThrow('has not signed it')
    const text = await readFile(sealsPath(), 'utf8')
    const lines = text.split('\n').slice(0, -1)
    const broken = [
      [lines[0], lines[2]],
      [lines[1], lines[2]],
      [lines[0], lines[2], lines[1]],
      [lines[0], lines[0], lines[1], lines[2]].reverse(),
      [lines[0]?.replace('"v":1', '"v":2')],
      ['{}'],
      [JSON.stringify({ ...(JSON.parse(lines[0] ?? '') as object), peaks: [] })],
    ]
    for (const attempt of broken) {
      await writeFile(sealsPath(), attempt.map((line) => `${line ?? ''}\n`).join(''))
      await expect(readSeals(files, publicKey)).rejects.toMatchObject({ code: 'seal' })
    }
  })

  it('lets only one process seal at a time', async () => {
    await seal()
    await writeFile(join(seals.path, 'seal.lock'), '')
    await expect(seal()).rejects.toThrow('another process seals')
  })
})

describe('a proof', () => {
  it('is checked with the public key alone', async () => {
    await sample.send('account.open', 'account', { owner: 'Ada' })
    await seal()
    await sample.send('transfer.make', 'later', { amount: 1 })
    const proof = await prove('account')
    const checked = checkProof(JSON.stringify(proof), publicKey)
    expect(checked.events.map(({ type }) => type)).toEqual([
      ...['CommandAccepted', 'StepCompleted', 'StepCompleted', 'AccountOpened', 'AccountChecked'].slice(
        5 - checked.events.length,
      ),
    ])
    expect(checked.checkpoint.size).toBe(5 + checked.events.length)
    for (let at = 1; at <= 5; at++) checkProof(JSON.stringify(await prove(`key-${at}`)), publicKey)
  })

  it('cannot be made of what is not sealed, or not as it was sealed', async () => {
    await seal()
    await sample.send('transfer.make', 'later', { amount: 1 })
    await expect(prove('later')).rejects.toMatchObject({ code: 'not-sealed' })
    await expect(prove('nobody')).rejects.toMatchObject({ code: 'not-sealed' })
    await sample.tamper(`UPDATE events SET data = replace(data, '3', '4') WHERE position = 3`)
    await expect(prove('key-3')).rejects.toMatchObject({ code: 'tampered' })
    expect((await prove('key-4')).events).toHaveLength(1)
  })

  it('fails when anything in it is changed', async () => {
    await sample.send('account.open', 'account', { owner: 'Ada' })
    await seal()
    const proof = await prove('account')
    const [first, ...rest] = proof.events
    if (first === undefined) throw new Error('the proof has no events')
    const change = (event: object): unknown => ({ ...proof, events: [{ ...first, ...event }, ...rest] })
    const forged: unknown[] = [
      change({ data: first.data.replace('}', ' }') }),
      change({ metadata: first.metadata.replace('Ada', 'Eve') }),
      change({ type: 'Other' }),
      change({ id: rest[0]?.id }),
      change({ recordedAtMs: first.recordedAtMs + 1 }),
      change({ position: '1' }),
      change({ index: first.index - 1 }),
      change({ revision: '1' }),
      change({ stream: 'command-x' }),
      change({ path: first.path.slice(1) }),
      change({ path: [] }),
      change({ path: ['x'] }),
      { ...proof, key: 'another' },
      { ...proof, tenant: 'another' },
      { ...proof, events: rest },
      { ...proof, events: [...proof.events].reverse() },
      { ...proof, events: [] },
      { ...proof, v: 2 },
      { ...proof, kind: 'x' },
      { ...proof, checkpoint: proof.checkpoint.replace('\ntime 2', '\ntime 3') },
      null,
      [],
    ]
    for (const document of forged) {
      expect(() => checkProof(JSON.stringify(document), publicKey), JSON.stringify(document)).toThrow(/./)
    }
    expect(() => checkProof('no json', publicKey)).toThrow('no JSON')
    expect(() => checkProof(JSON.stringify(proof), readPublicKey(createKeyPair().publicPem))).toThrow(
      'has not signed it',
    )
  })
})

describe('the history through the port', () => {
  it('has the same leaves as the file itself', async () => {
    await sample.send('account.open', 'account', { owner: 'Ada Lovelace \u{1f600}' })
    await using history = openSqliteHistory({ dataDir: sample.dataDir })
    const folders = [join(seals.path, 'raw'), join(seals.path, 'port')] as const
    const raw = await makeSeal({ history, folder: folders[0], privateKey, nowMs: 0 })
    const port = historyOfStore(history.store)
    expect(await makeSeal({ history: port, folder: folders[1], privateKey, nowMs: 0 })).toEqual(raw)
    const streams = (await port.streamEvents('none')).length
    expect(streams).toBe(0)
  })
})
