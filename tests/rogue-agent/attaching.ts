import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { commandIdIn, freshKey } from '../support/api.ts'
import { statusOf, untilResolved } from '../support/expectations.ts'
import { expectOneEffect, outcomesOf } from './one-effect.ts'
import type { RogueTarget } from './suite.ts'

/** Retries that arrive while the command runs. */
export function describeAttaching({ server, api }: RogueTarget): void {
  describe('retries while the command runs', () => {
    test('attach all along a command that takes a second: one execution, one answer', async () => {
      const key = freshKey()
      const json = { label: 'a second', ms: 1_000 }
      const responses = await Promise.all(
        Array.from({ length: 50 }, async (_, at) => {
          await pause(at * 15)
          return api().post('/test/slow', { key, json })
        }),
      )
      await expectOneEffect(server(), responses)
      expect(statusOf(await api().get(`/idempotency-keys/${key}`))).toMatchObject({ attempts: 1, generation: 1 })
    })

    test('those whose wait ends first get 202, and later the outcome', async () => {
      const key = freshKey()
      const json = { label: 'long', ms: 2_500 }
      const attempt = (prefer: string) => api().post('/test/slow', { key, json, prefer })
      const patient = Array.from({ length: 10 }, () => attempt('wait=30'))
      const impatient = Array.from({ length: 10 }, () => attempt('wait=1'))
      const unwilling = Array.from({ length: 10 }, () => attempt('respond-async'))
      const accepted = [...(await Promise.all(impatient)), ...(await Promise.all(unwilling))]
      for (const response of accepted) {
        expect(response.status, response.body).toBe(202)
        expect(response.headers['retry-after']).toMatch(/^\d+$/)
      }
      expect(new Set(accepted.map(commandIdIn)).size).toBe(1)
      const done = await Promise.all(patient)
      for (const response of done) expect(response.status).toBe(201)
      expect(new Set(done.map((response) => response.body)).size).toBe(1)

      const status = await untilResolved(api(), accepted[0]?.headers['location'] ?? '')
      expect(status).toMatchObject({ state: 'succeeded', attempts: 1, generation: 1 })
      expect(status.response?.body).toBe(done[0]?.body)
      const late = await Promise.all(Array.from({ length: 10 }, () => attempt('wait=30')))
      for (const response of late) expect(response.body).toBe(done[0]?.body)
      expect(await outcomesOf(server(), status.command_id)).toBe(1)
    })

    test('nobody waits at all: every attempt says respond-async, and the command is done all the same', async () => {
      const key = freshKey()
      // Longer than all of them need to arrive, also on a machine with other work.
      const json = { label: 'async', ms: 4_000 }
      const responses = await Promise.all(
        Array.from({ length: 50 }, () => api().post('/test/slow', { key, json, prefer: 'respond-async' })),
      )
      for (const response of responses) expect(response.status, response.body).toBe(202)
      const status = await untilResolved(api(), `/idempotency-keys/${key}`)
      expect(status).toMatchObject({ state: 'succeeded', attempts: 1, generation: 1 })
      expect(await outcomesOf(server(), status.command_id)).toBe(1)
    })
  })
}
