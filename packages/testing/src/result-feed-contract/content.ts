import { resultEventSchema, resultOutcomes } from '@holdfast/contracts'
import { ResultPlaceError, type Tenant } from '@holdfast/core'
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { collect, idsOf, recordCommand } from './kit.ts'
import type { ResultFeedContractFactory } from './subject.ts'

/** What is a result, and whose. */
export function describeContent(factory: ResultFeedContractFactory): void {
  describe('content', () => {
    test('each outcome and each release once, whole, and nothing else of a key’s stream', async () => {
      await using subject = await factory.open()
      const command = recordCommand(subject.store)
      const ids = [await command.conclude()]
      await command.accept()
      ids.push(await command.conclude('rejected'), await command.release(), await command.conclude('failed', 3))
      const results = await collect(subject.feed, { count: 4 })
      expect(idsOf(results)).toEqual(ids)
      for (const { event } of results) {
        expect(resultEventSchema.parse(event)).toEqual(event)
        expect([event.command, event.tenant, event.data.idempotency_key]).toEqual(['order.place', 'acme', command.key])
      }
      expect(results.map(({ event }) => [event.data.outcome, event.data.generation])).toEqual([
        ['succeeded', 1],
        ['rejected', 2],
        ['released', 2],
        ['failed', 3],
      ])
      expect(results[0]?.event.data.response?.body).toBe(JSON.stringify({ key: command.key, generation: 1 }))
    })

    test('other streams bring nothing, and an event that cannot be understood holds up nobody', async () => {
      await using subject = await factory.open()
      const { store, feed } = subject
      const odd = { id: randomUUID(), type: 'Odd', data: {}, metadata: { outcome: {} } }
      await store.append(`inventory-${randomUUID()}`, [odd], 'no_stream')
      await store.append(`command-${randomUUID()}`, [{ ...odd, id: randomUUID() }], 'no_stream')
      await store.append(recordCommand(store).stream, [{ ...odd, id: randomUUID() }], 'no_stream')
      const id = await recordCommand(store).conclude()
      expect(idsOf(await collect(feed, { count: 1 }))).toEqual([id])
    })
  })

  describe('filters', () => {
    test('by tenant, command and outcome, each alone and together', async () => {
      await using subject = await factory.open()
      const { store, feed } = subject
      const specs = ['acme', 'globex'].flatMap((tenant) =>
        ['order.place', 'order.cancel'].flatMap((command) =>
          (['succeeded', 'rejected', 'failed', 'released'] as const).map((outcome) => ({ tenant, command, outcome })),
        ),
      )
      const recorded = new Map<string, (typeof specs)[number]>()
      for (const spec of specs) {
        const command = recordCommand(store, spec)
        if (spec.outcome !== 'released') recorded.set(await command.conclude(spec.outcome), spec)
        else {
          recorded.set(await command.conclude(), { ...spec, outcome: 'succeeded' })
          recorded.set(await command.release(), spec)
        }
      }
      const tenant = 'acme' as Tenant
      const filters = [
        { tenant },
        { commands: ['order.cancel'] },
        { commands: ['order.cancel', 'order.place'] },
        ...resultOutcomes.map((outcome) => ({ outcomes: [outcome] })),
        { outcomes: ['failed', 'released'] as const },
        { tenant, commands: ['order.place'], outcomes: ['rejected'] as const },
      ]
      for (const filter of filters) {
        const wanted = [...recorded].filter(
          ([, spec]) =>
            (!('tenant' in filter) || spec.tenant === filter.tenant) &&
            (!('commands' in filter) || filter.commands.includes(spec.command)) &&
            (!('outcomes' in filter) || (filter.outcomes as readonly string[]).includes(spec.outcome)),
        )
        const results = await collect(feed, { ...filter, count: wanted.length })
        expect(idsOf(results).sort(), JSON.stringify(filter)).toEqual(wanted.map(([id]) => id).sort())
      }
    })

    test('the place moves past what is filtered out: whoever goes on from there sees what is new', async () => {
      await using subject = await factory.open()
      const { store, feed } = subject
      for (let at = 0; at < 5; at++) await recordCommand(store).conclude()
      await collect(feed, { count: 5 })
      let after: string | undefined
      await collect(feed, {
        outcomes: ['failed'],
        until: ({ place, caughtUp }) => {
          after = place
          return caughtUp
        },
      })
      const id = await recordCommand(store).conclude()
      expect(after).toBeDefined()
      expect(idsOf(await collect(feed, { ...(after !== undefined && { after }), count: 1 }))).toEqual([id])
    })

    test.each(['', 'x', '-1', '1.5', '999999999999999999'])('"%s" is no place', async (after) => {
      await using subject = await factory.open()
      await recordCommand(subject.store).conclude()
      await expect(collect(subject.feed, { after, until: () => true })).rejects.toBeInstanceOf(ResultPlaceError)
    })
  })
}
