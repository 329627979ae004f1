import { appendFile, cp, open, readFile, truncate } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { temporaryFolder, type TemporaryFolder } from '@holdfast/testing/processes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anOrder, createApi, freshKey, type Api } from '../support/api.ts'
import { startStandaloneProcess } from '../support/embedded.ts'
import { expectExecuted, expectReplay } from '../support/expectations.ts'
import { apps } from '../support/paths.ts'
import { randomBytes, randomFrom, testSeed } from '../support/random.ts'
import { startStorm } from './storm.ts'
import { readWalFrames, walBytes, walOf } from './wal-file.ts'
import { createWitness, expectNothingLost, type Witness } from './witness.ts'

/** Writes over the log from an offset on, as a write that was torn leaves it. */
async function overwrite(dataDir: string, offset: number, bytes: Uint8Array): Promise<void> {
  await using file = await open(walOf(dataDir), 'r+')
  await file.write(bytes, 0, bytes.length, offset)
}

/** A storm on new data, and a process that is killed in it. */
async function killedInStorm(dataDir: string, random: () => number): Promise<Witness> {
  const witness = createWitness()
  await using service = await startStandaloneProcess({ app: apps.contract, dataDir })
  const storm = startStorm({ api: createApi([service.url]), witness, random })
  await pause(150 + random() * 200)
  service.kill('SIGKILL')
  await storm.stop()
  await service.exited
  expect(witness.outcomes.size).toBeGreaterThan(0)
  return witness
}

const place = (api: Api, key: string) => api.post('/api/order', { key, json: anOrder })
const placeLarge = (api: Api, key: string) => api.post('/test/large', { key, json: { bytes: 10_000 } })

interface Damage {
  readonly what: string
  readonly damage: (dataDir: string, random: () => number) => Promise<void>
}

describe('a torn write behind the last committed frame of the log', () => {
  const damages: readonly Damage[] = [
    {
      what: 'garbage at the end of the file',
      damage: (dataDir, random) => appendFile(walOf(dataDir), randomBytes(10_000, random)),
    },
    {
      what: 'garbage right behind the last commit',
      damage: async (dataDir, random) => {
        const { committedBytes } = await readWalFrames(dataDir)
        await overwrite(dataDir, committedBytes, randomBytes(9_001, random))
      },
    },
    {
      what: 'a frame header with the right salt, and a page of garbage',
      damage: async (dataDir, random) => {
        const { committedBytes, frameBytes } = await readWalFrames(dataDir)
        const header = (await readFile(walOf(dataDir))).subarray(
          committedBytes - frameBytes,
          committedBytes - frameBytes + 24,
        )
        await overwrite(dataDir, committedBytes, Buffer.concat([header, randomBytes(frameBytes - 24, random)]))
      },
    },
    {
      what: 'half a frame',
      damage: async (dataDir) => {
        const { committedBytes, frameBytes } = await readWalFrames(dataDir)
        const frame = (await readFile(walOf(dataDir))).subarray(committedBytes - frameBytes, committedBytes)
        await truncate(walOf(dataDir), committedBytes)
        await appendFile(walOf(dataDir), frame.subarray(0, frameBytes / 2))
      },
    },
    {
      what: 'zeros, as a file system leaves them that had made room only',
      damage: async (dataDir) => {
        const { committedBytes, frameBytes } = await readWalFrames(dataDir)
        await overwrite(dataDir, committedBytes, Buffer.alloc(frameBytes * 3))
      },
    },
  ]

  let killed: { readonly folder: TemporaryFolder; readonly witness: Witness } | undefined
  beforeAll(async () => {
    const folder = await temporaryFolder()
    killed = { folder, witness: await killedInStorm(folder.path, randomFrom(testSeed)) }
  })
  afterAll(() => killed?.folder[Symbol.asyncDispose]())

  test.each(damages)('$what: it opens, and nothing acknowledged is lost', async ({ damage }) => {
    if (killed === undefined) throw new Error('there is no data')
    await using copy = await temporaryFolder()
    await cp(killed.folder.path, copy.path, { recursive: true })
    await damage(copy.path, randomFrom(testSeed))
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: copy.path })
    // A witness of its own: what was not answered is decided anew on each copy.
    const witness = { ...killed.witness, outcomes: new Map(killed.witness.outcomes) }
    await expectNothingLost(createApi([service.url]), witness)
  })

  test('the log ends inside a transaction that nobody was told of: that one is gone whole, all else is there', async () => {
    await using folder = await temporaryFolder()
    const keys = { told: freshKey(), torn: freshKey() }
    let told
    let acknowledgedBytes
    {
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      const api = createApi([service.url])
      told = await place(api, keys.told)
      expectExecuted(told)
      acknowledgedBytes = await walBytes(folder.path)
      // In this history the power fails before the answer to this one leaves. It does not fit into one page.
      expectExecuted(await placeLarge(api, keys.torn))
      service.kill('SIGKILL')
      await service.exited
    }
    const { frameBytes, committedBytes } = await readWalFrames(folder.path)
    expect(committedBytes).toBeGreaterThan(acknowledgedBytes + 2 * frameBytes)
    const cuts = [acknowledgedBytes + 1, acknowledgedBytes + 24, acknowledgedBytes + frameBytes, committedBytes - 1]
    for (const cut of cuts) {
      await using copy = await temporaryFolder()
      await cp(folder.path, copy.path, { recursive: true })
      await truncate(walOf(copy.path), cut)
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: copy.path })
      const api = createApi([service.url])
      expectReplay(await place(api, keys.told), told)
      const again = await placeLarge(api, keys.torn)
      expectExecuted(again)
      expectReplay(await placeLarge(api, keys.torn), again)
    }
  })
})
