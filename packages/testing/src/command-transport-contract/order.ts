import { describe, expect, test } from 'vitest'
import { attempt, outcomeOf, within } from './kit.ts'
import type { CommandTransportContractFactory } from './subject.ts'

export function describeOrder(factory: CommandTransportContractFactory): void {
  describe('order', () => {
    test('attempts under one key are handled one at a time, in the order of their dispatch', async () => {
      const handled = new Map<string, string[]>()
      const busy = new Set<string>()
      let overlaps = 0
      await using subject = await factory.open(async (envelope) => {
        const { key, attemptId } = envelope
        if (busy.has(key)) overlaps++
        busy.add(key)
        const order = handled.get(key) ?? []
        handled.set(key, order)
        // A repetition (at least once) keeps the place of the first.
        if (!order.includes(attemptId)) order.push(attemptId)
        await new Promise((resolve) => setImmediate(resolve))
        busy.delete(key)
        return outcomeOf(envelope)
      })
      const keys = Array.from({ length: 5 }, () => crypto.randomUUID())
      const envelopes = Array.from({ length: 20 }, () => keys.map((key) => attempt(key))).flat()
      const dispatches = envelopes.map((envelope) => subject.transport.dispatch(envelope))
      await within('all', Promise.all(dispatches.map(({ resolution }) => resolution)))
      for (const key of keys) {
        const dispatched = envelopes.filter((envelope) => envelope.key === key).map(({ attemptId }) => attemptId)
        expect(handled.get(key)).toEqual(dispatched)
      }
      expect(overlaps).toBe(0)
    })

    test('a key that takes its time does not hold up others', async () => {
      const gate = Promise.withResolvers<void>()
      const slow = attempt()
      await using subject = await factory.open(async (envelope) => {
        if (envelope.key === slow.key) await gate.promise
        return outcomeOf(envelope)
      })
      const waiting = subject.transport.dispatch(slow)
      const others = Array.from({ length: 50 }, () => subject.transport.dispatch(attempt()))
      await within('the others', Promise.all(others.map(({ resolution }) => resolution)))
      gate.resolve()
      expect(await within('the slow one', waiting.resolution)).toEqual(outcomeOf(slow))
    })
  })
}
