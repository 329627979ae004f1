import type { CommandEnvelope, Resolution } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { attempt, outcomeOf, within } from './kit.ts'
import type { CommandTransportContractFactory } from './subject.ts'

export function describeOutcomes(factory: CommandTransportContractFactory): void {
  describe('outcomes', () => {
    test('an attempt resolves with what the handler made of it, to the last byte', async () => {
      await using subject = await factory.open((envelope) => Promise.resolve(outcomeOf(envelope)))
      expect(subject.transport.ready()).toBe(true)
      const envelope = attempt()
      const { resolution } = subject.transport.dispatch(envelope)
      expect(await within('the resolution', resolution)).toEqual(outcomeOf(envelope))
    })

    test('the handler sees the envelope as it was dispatched', async () => {
      const seen: CommandEnvelope[] = []
      await using subject = await factory.open((envelope) => {
        seen.push(envelope)
        return Promise.resolve(outcomeOf(envelope))
      })
      const input = { text: 'ünïcode \u2028', nested: { list: [1, 0.1, -0, null, true] }, empty: '' }
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const envelope = { ...attempt(crypto.randomUUID(), input), traceparent }
      await within('the resolution', subject.transport.dispatch(envelope).resolution)
      expect(JSON.parse(JSON.stringify(seen[0]))).toEqual(JSON.parse(JSON.stringify(envelope)))
    })

    test.each([
      { kind: 'reused' },
      { kind: 'expired' },
      { kind: 'superseded' },
      { kind: 'in-progress' },
      { kind: 'too-large' },
    ] as const)('a refusal comes back: $kind', async (refusal) => {
      await using subject = await factory.open(() => Promise.resolve(refusal))
      const { resolution } = subject.transport.dispatch(attempt())
      expect(await within('the resolution', resolution)).toEqual(refusal)
    })

    test('many attempts at once each get their own', async () => {
      await using subject = await factory.open((envelope) => Promise.resolve(outcomeOf(envelope)))
      const envelopes = Array.from({ length: 200 }, () => attempt())
      const dispatches = envelopes.map((envelope) => subject.transport.dispatch(envelope))
      const resolutions = await within('all', Promise.all(dispatches.map(({ resolution }) => resolution)))
      expect(resolutions).toEqual(envelopes.map((envelope) => outcomeOf(envelope)))
    })

    test('attempts under one key resolve to one outcome', async () => {
      const decided = new Map<string, Resolution>()
      await using subject = await factory.open((envelope) => {
        const resolution = decided.get(envelope.key) ?? outcomeOf(envelope)
        decided.set(envelope.key, resolution)
        return Promise.resolve(resolution)
      })
      const key = crypto.randomUUID()
      const dispatches = Array.from({ length: 10 }, () => subject.transport.dispatch(attempt(key)))
      const resolutions = await within('all', Promise.all(dispatches.map(({ resolution }) => resolution)))
      for (const resolution of resolutions) expect(resolution).toEqual(decided.get(key))
    })
  })
}
