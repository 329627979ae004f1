import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runToExit, temporaryFolder } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { createApi, freshKey, jsonOf } from '../support/api.ts'
import { startStandaloneProcess } from '../support/embedded.ts'
import { expectExecuted, expectReplay, statusOf } from '../support/expectations.ts'
import { apps, entries } from '../support/paths.ts'
import { randomFrom, testSeed } from '../support/random.ts'
import { anyIntent, startStorm } from './storm.ts'
import { createWitness, expectNothingLost } from './witness.ts'

describe('a replay is byte-identical', () => {
  test('after the code that decides and renders was changed: the old bytes, status and headers', async () => {
    await using folder = await temporaryFolder()
    const key = freshKey()
    const json = { text: 'remember me' }
    let first
    {
      await using service = await startStandaloneProcess({ app: apps.v1, dataDir: folder.path })
      first = await createApi([service.url]).post('/notes', { key, json })
      expectExecuted(first)
      expect(first.headers['x-rendered-by']).toBe('v1')
      service.kill('SIGTERM')
      await service.exited
    }
    {
      await using service = await startStandaloneProcess({ app: apps.v2, dataDir: folder.path })
      const api = createApi([service.url])
      const replay = await api.post('/notes', { key, json })
      expectReplay(replay, first)
      expect(replay.headers['x-rendered-by']).toBe('v1')
      expect(statusOf(await api.get(`/idempotency-keys/${key}`)).response).toMatchObject({
        status: 201,
        body: first.body,
      })
      const fresh = await api.post('/notes', { key: freshKey(), json })
      expectExecuted(fresh, 200)
      expect(jsonOf(fresh)).toMatchObject({ note: { version: 2, words: 'REMEMBER ME' } })
      expect(fresh.headers['x-rendered-by']).toBe('v2')
    }
    // And back: the newer release's answers do not change either.
    await using service = await startStandaloneProcess({ app: apps.v1, dataDir: folder.path })
    expectReplay(await createApi([service.url]).post('/notes', { key, json }), first)
  })

  test('after many restarts, from one process to the next', async () => {
    await using folder = await temporaryFolder()
    const key = freshKey()
    const intent = { path: '/test/declaring', json: { label: 'kept' } }
    let first
    for (let start = 0; start < 4; start++) {
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      const answer = await createApi([service.url]).post(intent.path, { key, json: intent.json })
      if (first === undefined) expectExecuted(answer, 200)
      else expectReplay(answer, first)
      first ??= answer
    }
  })

  test('from a backup that was taken while it served', async () => {
    await using folder = await temporaryFolder()
    const target = join(folder.path, 'copy', 'events.sqlite')
    const dataDir = join(folder.path, 'data')
    await mkdir(join(folder.path, 'copy'))
    const random = randomFrom(testSeed)
    const before = createWitness()
    {
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir })
      const api = createApi([service.url])
      const early = startStorm({ api, witness: before, random, intent: withoutWaiting })
      await new Promise((resolve) => setTimeout(resolve, 300))
      await early.stop()
      const during = createWitness()
      const storm = startStorm({ api, witness: during, random })
      const backup = await runToExit({ entry: entries.backup, args: [target], env: { HOLDFAST_DATA_DIR: dataDir } })
      await storm.stop()
      expect({ code: backup.code, stderr: backup.stderr }).toEqual({ code: 0, stderr: '' })
      expect(backup.stdout).toContain(target)
      expect(during.outcomes.size, 'it served all the while').toBeGreaterThan(0)
      expect(during.faults).toEqual([])
    }
    expect(before.outcomes.size).toBeGreaterThan(0)
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: join(folder.path, 'copy') })
    await expectNothingLost(createApi([service.url]), before)
  })

  test('a backup does not overwrite, and says so', async () => {
    await using folder = await temporaryFolder()
    const dataDir = join(folder.path, 'data')
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir })
    const target = join(folder.path, 'copy.sqlite')
    const run = () => runToExit({ entry: entries.backup, args: [target], env: { HOLDFAST_DATA_DIR: dataDir } })
    expect((await run()).code).toBe(0)
    const again = await run()
    expect(again.code).not.toBe(0)
    expect(again.stderr).toContain(target)
    expect(service.kill('SIGTERM')).toBe(true)
  })
})

/** All of these have their outcome when the storm has stopped. */
const withoutWaiting: typeof anyIntent = (random) => {
  const { prefer: _prefer, ...intent } = anyIntent(random)
  return intent
}
