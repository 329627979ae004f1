import { describe, expect, test } from 'vitest'
import { change, claimed, commit, committed, readAll, unique } from './kit.ts'
import type { ReadStoreContractFactory } from './subject.ts'

/** A small generator, so that each run makes the same commits. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
}

/** Reads as of a snapshot. */
export function describeSnapshots(factory: ReadStoreContractFactory): void {
  describe('snapshots', () => {
    test('a document as of a snapshot stays what it was: changed, removed, brought back, not there yet', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('as-of')
      const { claim } = await claimed(store, { name })
      await committed(
        store,
        claim,
        commit(10n, [change('a', 1), change('b', 1), change('same', 0)], { snapshot: true }),
      )
      await committed(store, claim, commit(20n, [change('a', 2), change('b', undefined), change('new', 1)]))
      await committed(store, claim, commit(30n, [change('a', 3)], { snapshot: true }))
      await committed(store, claim, commit(40n, [change('a', undefined), change('b', 4)]))
      await committed(store, claim, commit(50n, [change('a', 5), change('new', undefined)]))
      const at = (snapshot: bigint) => readAll(store, { name, version: 1, snapshot })
      expect(await at(0n)).toEqual({ position: 0n, documents: {} })
      expect(await at(10n)).toEqual({ position: 10n, documents: { a: 1, b: 1, same: 0 } })
      expect(await at(30n)).toEqual({ position: 30n, documents: { a: 3, new: 1, same: 0 } })
      expect(await readAll(store, { name })).toEqual({ position: 50n, documents: { a: 5, b: 4, same: 0 } })
      const ids = ['a', 'b', 'new', 'same'].map((id) => ({ tenant: 't', id }))
      expect(await store.read({ name, version: 1, snapshot: 10n }, ids)).toEqual({
        version: 1,
        position: 10n,
        documents: ['1', '1', undefined, '0'],
      })
      expect((await store.read({ name, version: 1, snapshot: 30n }, ids))?.documents).toEqual([
        '3',
        undefined,
        '1',
        '0',
      ])
      expect((await store.read({ name, version: 1, snapshot: 0n }, ids))?.documents).toEqual(ids.map(() => undefined))
    })

    test('the nearest snapshot, by position and by time', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('nearest')
      const build = { name, version: 1 }
      expect(await store.nearestSnapshot(build, { position: 5n })).toBeUndefined()
      const { claim } = await claimed(store, { name })
      const none = { position: 0n, recordedUntilMs: 0 }
      expect(await store.nearestSnapshot(build, { position: 5n })).toEqual(none)
      await committed(store, claim, commit(10n, [], { snapshot: true, recordedUntilMs: 1_000 }))
      await committed(store, claim, commit(15n, [], { recordedUntilMs: 1_500 }))
      await committed(store, claim, commit(20n, [], { snapshot: true, recordedUntilMs: 2_000 }))
      // The same position again: a commit that only says so.
      await committed(store, claim, commit(20n, [], { snapshot: true, recordedUntilMs: 2_000 }))
      const first = { position: 10n, recordedUntilMs: 1_000 }
      const second = { position: 20n, recordedUntilMs: 2_000 }
      for (const [position, found] of [
        [9n, none],
        [10n, first],
        [19n, first],
        [20n, second],
        [999n, second],
      ] as const)
        expect(await store.nearestSnapshot(build, { position })).toEqual(found)
      for (const [timeMs, found] of [
        [999, none],
        [1_000, first],
        [1_999, first],
        [2_000, second],
      ] as const)
        expect(await store.nearestSnapshot(build, { timeMs })).toEqual(found)
    })

    test('pages as of a snapshot', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('pages')
      const { claim } = await claimed(store, { name })
      const ids = Array.from({ length: 10 }, (_, n) => `d${n}`)
      await committed(
        store,
        claim,
        commit(
          1n,
          ids.map((id) => change(id, 'old')),
          { snapshot: true },
        ),
      )
      await committed(
        store,
        claim,
        commit(2n, [change('d0', undefined), change('d3', 'new'), change('d11', 'new'), change('d4', undefined)]),
      )
      const seen: string[] = []
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const selector = { name, version: 1, snapshot: 1n }
        const page = await store.list(selector, { tenant: 't', limit: 3, ...(after !== undefined && { after }) })
        for (const { id, json } of page?.documents ?? []) {
          expect(json).toBe('"old"')
          seen.push(id)
        }
        if ((page?.documents.length ?? 0) < 3) break
      }
      expect(seen).toEqual(ids)
    })

    test.each([1, 2, 3])(
      'random commits: every snapshot reads as a copy that was made at it (seed %i)',
      async (seed) => {
        await using subject = await factory.open()
        const { store } = subject
        const name = unique('random')
        const { claim } = await claimed(store, { name })
        const random = createRandom(seed)
        const now = new Map<string, number>()
        const copies = new Map<bigint, Record<string, number>>([[0n, {}]])
        for (let position = 1n; position <= 80n; position++) {
          const ids = new Set(Array.from({ length: random(6) }, () => `d${random(8)}`))
          const changes = [...ids].map((id) => {
            const value = random(4) === 0 ? undefined : random(1_000)
            if (value === undefined) now.delete(id)
            else now.set(id, value)
            return change(id, value)
          })
          const snapshot = random(5) === 0
          await committed(store, claim, commit(position, changes, { snapshot }))
          if (snapshot) copies.set(position, Object.fromEntries(now))
        }
        expect(copies.size).toBeGreaterThan(5)
        for (const [position, documents] of copies)
          expect(await readAll(store, { name, version: 1, snapshot: position })).toEqual({ position, documents })
        expect(await readAll(store, { name })).toEqual({ position: 80n, documents: Object.fromEntries(now) })
      },
    )
  })
}
