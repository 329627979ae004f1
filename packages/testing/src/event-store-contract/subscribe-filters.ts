import { describe, expect, test } from 'vitest'
import { appended, collect, idsOf, newEvent, newEvents, unique } from './kit.ts'
import type { EventStoreContractFactory } from './subject.ts'

/** Prefix and type filters. */
export function describeSubscribeFilters(factory: EventStoreContractFactory): void {
  describe('a prefix filter', () => {
    const tails = [
      'a_b',
      'axb',
      'a%b',
      'a',
      'A_b',
      'a_',
      'a_b%',
      'a_b\u{10ffff}',
      'a_b\uffff',
      'a_b\u{10ffff}z',
      `a_b'`,
      'a_c',
      'a_a\uffff',
      'é',
      'e\u0301',
    ]

    test.each(['a_b', 'a%', 'a', 'A', 'a_b\u{10ffff}', 'a_b\uffff', `a_b'`, 'é', 'e', 'nothing', '[a]', 'a*'])(
      'is literal: %j',
      async (tail) => {
        await using subject = await factory.open()
        const { store } = subject
        const base = unique('filter')
        const prefix = `${base} ${tail}`
        for (const each of tails) await store.append(`${base} ${each}`, [newEvent()], 'no_stream')
        // The last event matches too: once it is here, everything before it was judged.
        const end = newEvent()
        await store.append(`${prefix} end`, [end], 'no_stream')
        const seen = await collect(store, { prefix, until: (got) => got.events.at(-1)?.id === end.id })
        const expected = [...tails, `${tail} end`].filter((each) => each.startsWith(tail))
        expect(seen.events.map((event) => event.stream)).toEqual(expected.map((each) => `${base} ${each}`))
      },
    )

    test('is literal, live as well', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const base = unique('filter-live')
      const end = newEvent()
      let sent = false
      const seen = await collect(store, {
        prefix: `${base}_`,
        until: (got) => got.events.at(-1)?.id === end.id,
        onBatch: async (batch) => {
          if (!batch.caughtUp || sent) return
          sent = true
          for (const tail of ['x1', '%1', '_1', '-1']) await store.append(base + tail, [newEvent()], 'no_stream')
          await store.append(`${base}_2`, [end], 'no_stream')
        },
      })
      expect(seen.events.map((event) => event.stream)).toEqual([`${base}_1`, `${base}_2`])
    })

    test('an empty prefix gives all streams', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const start = appended(await store.append(unique('start'), [newEvent()], 'no_stream'))
      const streams = [unique('x'), unique('%'), unique('é'), unique('_')]
      for (const stream of streams) await store.append(stream, [newEvent()], 'no_stream')
      const seen = await collect(store, { prefix: '', after: start.position, until: (got) => got.events.length >= 4 })
      expect(seen.events.map((event) => event.stream)).toEqual(streams)
    })
  })

  describe('a filter by types', () => {
    test.each([
      { types: ['CommandAccepted'], numbers: [1, 4] },
      { types: ['CommandAccepted', 'OrderPlaced'], numbers: [1, 3, 4] },
      { types: ['Order%', 'order', 'OrderPlace'], numbers: [] },
      { types: ["it's a type"], numbers: [2] },
    ])('gives only $types', async ({ types, numbers }) => {
      await using subject = await factory.open()
      const { store } = subject
      const base = unique('types')
      const written = [
        'Other',
        'CommandAccepted',
        "it's a type",
        'OrderPlaced',
        'CommandAccepted',
        'orderPlaced',
        'Order',
      ]
      for (const [n, type] of written.entries()) {
        await store.append(`${base}-${n}`, [newEvent({ type, data: { n } })], 'no_stream')
      }
      const past = await collect(store, {
        prefix: base,
        types,
        until: (got, batch) => batch.caughtUp && got.events.length >= numbers.length,
      })
      expect(past.events.map((event) => event.data['n'])).toEqual(numbers)
      // Live and resumed from where that ended.
      const [type] = types
      const after = past.batches.at(-1)?.position ?? -1n
      const last = newEvent({ type: type ?? '' })
      const rest = collect(store, { prefix: base, types, after, until: (got) => got.events.length >= 1 })
      await store.append(`${base}-not`, [newEvent({ type: 'Other' })], 'no_stream')
      await store.append(`${base}-last`, [last], 'no_stream')
      expect(idsOf((await rest).events)).toEqual([last.id])
    })

    test('finds a few among many, and its position moves with the rest', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const base = unique('sparse')
      const rare = newEvent({ type: 'CommandAccepted' })
      await store.append(`${base}-1`, newEvents(1_200), 'no_stream')
      await store.append(`${base}-2`, [rare], 'no_stream')
      await store.append(`${base}-3`, newEvents(1_200), 'no_stream')
      const types = ['CommandAccepted']
      const seen = await collect(store, {
        prefix: base,
        types,
        maxBatch: 10,
        until: (got, batch) => batch.caughtUp && got.events.length >= 1,
      })
      expect(idsOf(seen.events)).toEqual([rare.id])
      const again = await collect(store, {
        prefix: base,
        types,
        after: seen.batches.at(-1)?.position ?? -1n,
        until: (_, batch) => batch.caughtUp,
      })
      expect(again.events).toEqual([])
    })
  })
}
