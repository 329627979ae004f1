import { EventStoreError, TransportError } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { attempt, outcomeOf, within } from './kit.ts'
import type { CommandTransportContractFactory } from './subject.ts'

export function describeDurability(factory: CommandTransportContractFactory): void {
  describe('durability', () => {
    test('a command is durable before its outcome is there', async () => {
      const gate = Promise.withResolvers<void>()
      await using subject = await factory.open(async (envelope) => {
        await gate.promise
        return outcomeOf(envelope)
      })
      const envelope = attempt()
      const dispatch = subject.transport.dispatch(envelope)
      await within('durable', dispatch.durable())
      gate.resolve()
      expect(await within('the resolution', dispatch.resolution)).toEqual(outcomeOf(envelope))
    })

    test('a command that has its outcome is durable', async () => {
      await using subject = await factory.open((envelope) => Promise.resolve(outcomeOf(envelope)))
      const dispatch = subject.transport.dispatch(attempt())
      await within('the resolution', dispatch.resolution)
      await within('durable', dispatch.durable())
    })

    test('an accepted command whose handling fails is handled again, until the outcome comes', async () => {
      const accepted = Promise.withResolvers<void>()
      const envelope = attempt()
      let tries = 0
      await using subject = await factory.open(async (received) => {
        await accepted.promise
        if (received.attemptId === envelope.attemptId && ++tries <= 2) {
          throw new EventStoreError('unavailable', 'the store is away')
        }
        return outcomeOf(received)
      })
      const dispatch = subject.transport.dispatch(envelope)
      await within('durable', dispatch.durable())
      accepted.resolve()
      expect(await within('the resolution', dispatch.resolution)).toEqual(outcomeOf(envelope))
      expect(tries).toBeGreaterThan(2)
      expect(dispatch.attempts()).toBeGreaterThanOrEqual(0)
      expect(Number.isInteger(dispatch.attempts())).toBe(true)
    })
  })

  describe('closing', () => {
    test('a closed transport takes nothing', async () => {
      await using subject = await factory.open((envelope) => Promise.resolve(outcomeOf(envelope)))
      await within('close', subject.transport.close())
      expect(subject.transport.ready()).toBe(false)
      const dispatch = subject.transport.dispatch(attempt())
      await expect(within('the resolution', dispatch.resolution)).rejects.toBeInstanceOf(TransportError)
      await expect(within('durable', dispatch.durable())).rejects.toBeInstanceOf(TransportError)
    })

    test('what waits is let go: nobody waits for ever', async () => {
      const gate = Promise.withResolvers<void>()
      const envelope = attempt()
      await using subject = await factory.open(async (received) => {
        await gate.promise
        return outcomeOf(received)
      })
      try {
        const dispatch = subject.transport.dispatch(envelope)
        await within('durable', dispatch.durable())
        await within('close', subject.transport.close())
        const settled = await within('the resolution', Promise.allSettled([dispatch.resolution]))
        if (settled[0].status === 'rejected') expect(settled[0].reason).toBeInstanceOf(TransportError)
        else expect(settled[0].value).toEqual(outcomeOf(envelope))
      } finally {
        gate.resolve()
      }
    })

    test('closing twice is closing once', async () => {
      await using subject = await factory.open((envelope) => Promise.resolve(outcomeOf(envelope)))
      await within('close', Promise.all([subject.transport.close(), subject.transport.close()]))
      await within('close', subject.transport.close())
    })
  })
}
