import { setTimeout as pause } from 'node:timers/promises'
import { temporaryFolder } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { createApi, freshKey } from '../support/api.ts'
import { startStandaloneProcess } from '../support/embedded.ts'
import { statusOf, untilResolved } from '../support/expectations.ts'
import { apps } from '../support/paths.ts'
import { randomFrom, testSeed } from '../support/random.ts'
import { recordedResponses } from './recorded-responses.ts'
import { startStorm } from './storm.ts'
import { createWitness, expectNothingLost } from './witness.ts'

const rounds = 20

describe('`kill -9` in the middle of a storm', () => {
  test(`${rounds} rounds on the same data: no acknowledged response is lost or changed, every key resolves`, async () => {
    await using folder = await temporaryFolder()
    const random = randomFrom(testSeed)
    const told = new Map<string, string>()
    let before = createWitness()
    // Each process checks what its predecessor has told, then meets a storm of its own, and dies in it.
    for (let round = 1; round <= rounds; round++) {
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      const api = createApi([service.url])
      await expectNothingLost(api, before)
      for (const [key, { response }] of before.outcomes) told.set(key, response.body)
      const witness = createWitness()
      const storm = startStorm({ api, witness, random })
      const killAfterMs = 30 + random() * 400
      await pause(killAfterMs)
      service.kill('SIGKILL')
      expect((await service.exited).signal).toBe('SIGKILL')
      // The clients go on until they cannot connect any more.
      await storm.stop()
      expect(witness.broken.size, `seed ${testSeed}, round ${round}, ${killAfterMs} ms`).toBeGreaterThan(0)
      before = witness
    }
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    await expectNothingLost(createApi([service.url]), before)
    for (const [key, { response }] of before.outcomes) told.set(key, response.body)

    const recorded = await recordedResponses(folder.path)
    expect(told.size).toBeGreaterThan(rounds)
    for (const [key, body] of told) expect(recorded.get(key), `${key}, seed ${testSeed}`).toEqual([body])
    const twice = [...recorded].filter(([, bodies]) => bodies.length !== 1)
    expect(twice, 'one outcome for each key').toEqual([])
  })

  test('what was answered 202 is finished after the restart, without a retry', async () => {
    await using folder = await temporaryFolder()
    const keys = Array.from({ length: 20 }, freshKey)
    const json = { label: 'slow', ms: 1_500 }
    {
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      const api = createApi([service.url])
      const answers = await Promise.all(
        keys.map((key) => api.post('/test/slow', { key, json, prefer: 'respond-async' })),
      )
      for (const answer of answers) expect(answer.status, answer.body).toBe(202)
      service.kill('SIGKILL')
      await service.exited
    }
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const api = createApi([service.url])
    for (const key of keys) {
      const status = await untilResolved(api, `/idempotency-keys/${key}`)
      expect(status).toMatchObject({ state: 'succeeded', generation: 1 })
      const retry = await api.post('/test/slow', { key, json })
      expect({ body: retry.body, replayed: retry.headers['idempotent-replayed'] }).toEqual({
        body: status.response?.body,
        replayed: 'true',
      })
    }
    await service.log.line((line) => line['found'] === keys.length, { what: 'the log says how many were finished' })
  })

  test('a key whose command was cut down is not locked: its retry meets no lease, and runs it', async () => {
    await using folder = await temporaryFolder()
    const key = freshKey()
    const json = { label: 'slow', ms: 1_000 }
    {
      await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      const api = createApi([service.url])
      const accepted = await api.post('/test/slow-conflict', { key, json, prefer: 'respond-async' })
      expect(accepted.status).toBe(202)
      service.kill('SIGKILL')
      await service.exited
    }
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const api = createApi([service.url])
    const early = await api.get(`/idempotency-keys/${key}`)
    expect(['accepted', 'succeeded']).toContain(statusOf(early).state)
    expect(await untilResolved(api, `/idempotency-keys/${key}`)).toMatchObject({ state: 'succeeded', generation: 1 })
    expect((await api.post('/test/slow-conflict', { key, json })).status).toBe(201)
  })
})
