import { setTimeout as pause } from 'node:timers/promises'
import { commandIdOf, type IdempotencyKey, type Tenant } from '@holdfast/core'
import { until } from '@holdfast/testing/processes'
import type { HttpResponse } from '@holdfast/testing/http'
import { describe, expect, test } from 'vitest'
import { freshKey } from '../support/api.ts'
import { expectExecuted } from '../support/expectations.ts'
import { shortRetentionMs } from './app.ts'
import type { Shop } from './shop.ts'
import { apiKeys } from './tenants.ts'

const patienceMs = 60_000

/** Keys that expire, with a margin for clocks that differ (`HOLDFAST_CLOCK_SKEW_MS`). */
export function describeExpiryOfSteps(shop: () => Shop, clockSkewMs: number): void {
  const apiKey = apiKeys.alpha
  const charge = (key: string, gateway?: number): Promise<HttpResponse> =>
    shop().api.post('/test/short-charges', {
      key,
      apiKey,
      json: { customer: key },
      prefer: 'wait=30',
      ...(gateway !== undefined && { gateway }),
    })
  const effects = async (key: string): Promise<number> =>
    (await shop().providers.payments.ledger()).filter(({ effect }) => effect.customer === key).length
  const completedAt = async (key: string): Promise<number> => {
    const { body } = await shop().api.get(`/idempotency-keys/${key}`, { apiKey })
    return Date.parse((JSON.parse(body) as { readonly completed_at: string }).completed_at)
  }

  describe('a key with steps that expires', () => {
    test('is replayed until its retention and the margin are over, never shorter; then its step runs anew', async () => {
      const key = freshKey()
      const first = await charge(key)
      expectExecuted(first)
      const reusableAtMs = (await completedAt(key)) + shortRetentionMs + clockSkewMs
      let replays = 0
      let lastReplayedAtMs = 0
      for (const deadline = performance.now() + patienceMs; ;) {
        const sentAtMs = Date.now()
        const answer = await charge(key)
        if (answer.headers['idempotent-replayed'] === undefined) {
          expect(Date.now(), 'not before it').toBeGreaterThanOrEqual(reusableAtMs)
          expectExecuted(answer)
          expect(answer.body).not.toBe(first.body)
          break
        }
        expect(answer.body).toBe(first.body)
        replays++
        lastReplayedAtMs = sentAtMs
        if (performance.now() > deadline) throw new Error('it never expires')
        await pause(20)
      }
      expect(replays).toBeGreaterThan(1)
      // The margin was used: the retention alone was over, and it was replayed still.
      expect(lastReplayedAtMs).toBeGreaterThan(reusableAtMs - clockSkewMs)
      expect(await effects(key)).toBe(2)
    })

    test('whose history is removed: one event is left that says so, and the next request is the next generation', async () => {
      const key = freshKey()
      const post = () =>
        shop().api.post('/test/traceless-charges', { key, apiKey, json: { customer: key }, prefer: 'wait=30' })
      const commandId = commandIdOf('alpha' as Tenant, key as IdempotencyKey)
      const events = async () => (await shop().histories()).commands.get(commandId) ?? []
      const removed = () =>
        until(
          async () => {
            const { status } = await shop().api.get(`/idempotency-keys/${key}`, { apiKey })
            const last = (await events()).at(-1)
            return status === 404 && last?.type === 'HistoryRemoved' && last
          },
          { what: 'its history is removed', timeoutMs: patienceMs },
        )
      expectExecuted(await post())
      const first = await removed()
      expect(first).toMatchObject({ metadata: { generation: 1 } })
      expect(first.data['removed']).toHaveLength(Number(first.revision))
      expectExecuted(await post())
      expect(await removed()).toMatchObject({ metadata: { generation: 2 } })
      expect(await effects(key)).toBe(2)
    })

    test('gateways race to start the next generation: one of them does, with one effect', async () => {
      const keys = Array.from({ length: 10 }, freshKey)
      const firsts = await Promise.all(keys.map((key) => charge(key)))
      const urls = [...shop().api.urls.keys()]
      const reusableAtMs = Math.max(...(await Promise.all(keys.map(completedAt)))) + shortRetentionMs + clockSkewMs
      // All at about the boundary, and beyond it.
      for (let round = 0; Date.now() < reusableAtMs + 300; round++) {
        const racers = keys.flatMap((key) => urls.flatMap((gateway) => [charge(key, gateway), charge(key, gateway)]))
        for (const answer of await Promise.all(racers)) expect(answer.status, answer.body).toBe(201)
        if (Date.now() < reusableAtMs - 200) await pause(20)
      }
      const { commands } = await shop().histories()
      const streams = [...commands.values()].filter(([event]) =>
        keys.includes((event?.metadata['envelope'] as { readonly key: string } | undefined)?.key ?? ''),
      )
      expect(streams).toHaveLength(keys.length)
      for (const events of streams) {
        const generations = events.flatMap(({ metadata }) => (metadata['outcome'] ? [metadata['generation']] : []))
        // A slow machine may have lived through another retention.
        expect(generations.length).toBeGreaterThanOrEqual(2)
        expect(generations).toEqual(generations.map((_generation, at) => at + 1))
        const { key } = events[0]?.metadata['envelope'] as { readonly key: string }
        expect(await effects(key)).toBe(generations.length)
      }
      expect(firsts).toHaveLength(keys.length)
    })
  })
}
