import { describe, expect, test } from 'vitest'
import { appended, collect, expectCode, idsOf, newEvent, newEvents, readAll, unique, within } from './kit.ts'
import type { EventStoreContractFactory } from './subject.ts'

/** The probe, restarts, and the end. */
export function describeLifecycle(factory: EventStoreContractFactory): void {
  describe('checkWritable', () => {
    test('resolves, many at once too, and shows in no stream', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const start = appended(await store.append(unique('start'), [newEvent()], 'no_stream'))
      await store.checkWritable()
      await Promise.all(Array.from({ length: 50 }, () => store.checkWritable()))
      const end = newEvent()
      await store.append(unique('end'), [end], 'no_stream')
      const seen = await collect(store, {
        prefix: '',
        after: start.position,
        until: (got) => got.events.at(-1)?.id === end.id,
      })
      expect(idsOf(seen.events)).toEqual([end.id])
    })
  })

  describe('an acknowledged append is never lost', () => {
    test('a restart keeps streams, revisions and the global order', async () => {
      await using subject = await factory.open()
      const base = unique('kept')
      await subject.store.append(`${base}-a`, newEvents(3), 'no_stream')
      await subject.store.append(`${base}-b`, newEvents(2), 'no_stream')
      const last = appended(await subject.store.append(`${base}-a`, newEvents(1), 2n))
      const before = await collect(subject.store, { prefix: base, until: (got) => got.events.length >= 6 })
      const store = await subject.reopen()
      const after = await collect(store, { prefix: base, until: (got) => got.events.length >= 6 })
      expect(after.events).toEqual(before.events)
      expect(await store.append(`${base}-a`, [newEvent()], 1n)).toEqual({ kind: 'conflict', actual: 3n })
      const next = appended(await store.append(`${base}-a`, [newEvent()], 3n))
      expect(next.revision).toBe(4n)
      expect(next.position).toBeGreaterThan(last.position)
    })

    test('close waits for the appends under way', async () => {
      await using subject = await factory.open()
      const base = unique('under-way')
      const events = newEvents(100)
      const appends = events.map((event, n) => subject.store.append(`${base}-${n}`, [event], 'no_stream'))
      await subject.store.close()
      for (const result of await Promise.all(appends)) expect(result.kind).toBe('appended')
      const store = await subject.reopen()
      for (const [n, event] of events.entries()) expect(idsOf(await readAll(store, `${base}-${n}`))).toEqual([event.id])
    })
  })

  describe('after close', () => {
    test('every use fails with closed', async () => {
      await using subject = await factory.open()
      const { store } = subject
      await store.append(unique('before'), [newEvent()], 'no_stream')
      await store.close()
      await expectCode(() => store.append(unique('late'), [newEvent()], 'no_stream'), 'closed')
      await expectCode(() => readAll(store, unique('late')), 'closed')
      await expectCode(() => store.checkWritable(), 'closed')
      await expectCode(async () => {
        const options = { prefix: '', signal: new AbortController().signal }
        for await (const _ of store.subscribe(options)) break
      }, 'closed')
    })

    test('closing again is fine, at the same time too', async () => {
      await using subject = await factory.open()
      await Promise.all([subject.store.close(), subject.store.close()])
      await subject.store.close()
    })

    test('a subscription that waits comes to an end', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const options = { prefix: unique('waiting'), signal: new AbortController().signal }
      const iterator = store.subscribe(options)[Symbol.asyncIterator]()
      let step = await within('the first batch', iterator.next())
      while (!step.done && !step.value.caughtUp) step = await within('catching up', iterator.next())
      // It may end, or fail with `closed`: its reader must not wait for ever.
      const ended = iterator.next().then(
        (last) => (last.done ? 'ended' : 'a batch'),
        (error: unknown) => (error as { code?: unknown }).code,
      )
      await within('closing', store.close())
      expect(['ended', 'closed']).toContain(await within('the end', ended))
    })
  })
}
