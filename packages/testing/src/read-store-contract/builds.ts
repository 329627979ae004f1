import { describe, expect, test } from 'vitest'
import { change, claimed, commit, committed, longLeaseMs, readAll, unique } from './kit.ts'
import type { ReadStoreContractFactory } from './subject.ts'

/** Versions of a projection side by side: the newer one takes over when it has caught up, and for good. */
export function describeBuilds(factory: ReadStoreContractFactory): void {
  describe('builds', () => {
    test('a newer version is built unseen, and takes over with the commit that has caught up', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('switch')
      const old = await claimed(store, { name, version: 1 })
      await committed(store, old.claim, commit(10n, [change('a', 'v1')]))
      const next = await claimed(store, { name, version: 2, owner: 'two' })
      expect(next).toMatchObject({ position: 0n, live: false })
      expect(await committed(store, next.claim, commit(5n, [change('a', 'v2')]))).toMatchObject({ live: false })
      expect(await readAll(store, { name })).toEqual({ position: 10n, documents: { a: 'v1' } })
      expect(await readAll(store, { name, version: 2 })).toEqual({ position: 5n, documents: { a: 'v2' } })
      expect(await committed(store, next.claim, commit(10n, [change('b', 'v2')], { caughtUp: true }))).toEqual({
        kind: 'committed',
        live: true,
      })
      expect(await store.read({ name }, [{ tenant: 't', id: 'a' }])).toEqual({
        version: 2,
        position: 10n,
        documents: ['"v2"'],
      })
      expect((await store.builds(name)).map(({ version, live }) => [version, live])).toEqual([
        [2, true],
        [1, false],
      ])
    })

    test('reads never go back in time: what is behind the live one does not take over', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('behind')
      const old = await claimed(store, { name, version: 1 })
      const next = await claimed(store, { name, version: 2, owner: 'two' })
      await committed(store, old.claim, commit(10n, []))
      expect(await committed(store, next.claim, commit(9n, [], { caughtUp: true }))).toMatchObject({ live: false })
      expect(await store.live(name)).toMatchObject({ version: 1, position: 10n })
      expect(await committed(store, next.claim, commit(12n, [], { caughtUp: true }))).toMatchObject({ live: true })
      expect(await store.live(name)).toMatchObject({ version: 2, position: 12n })
    })

    test('the older version does not take over again, neither with its old claim nor with a new one', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('older')
      const old = await claimed(store, { name, version: 1 })
      const next = await claimed(store, { name, version: 3, owner: 'two' })
      await committed(store, next.claim, commit(1n, [], { caughtUp: true }))
      const superseded = { kind: 'superseded', liveVersion: 3 }
      expect(await store.commit(old.claim, commit(99n, [change('a', 1)], { caughtUp: true }))).toEqual(superseded)
      expect(await store.claim({ name, version: 1, owner: 'one', leaseMs: longLeaseMs })).toEqual(superseded)
      expect(await store.claim({ name, version: 2, owner: 'new', leaseMs: longLeaseMs })).toEqual(superseded)
      expect(await store.live(name)).toMatchObject({ version: 3, position: 1n })
      expect(await readAll(store, { name, version: 1 })).toMatchObject({ documents: {} })
    })

    test('of two newer ones that catch up at the same time the newest stays', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const other = await subject.another()
      const name = unique('two')
      await claimed(store, { name, version: 1 })
      const [two, three] = await Promise.all([
        claimed(store, { name, version: 2, owner: 'two' }),
        claimed(other, { name, version: 3, owner: 'three' }),
      ])
      await Promise.all([
        store.commit(two.claim, commit(4n, [], { caughtUp: true })),
        other.commit(three.claim, commit(4n, [], { caughtUp: true })),
      ])
      expect(await store.live(name)).toMatchObject({ version: 3, position: 4n })
      await other.close()
    })

    test('older builds are pruned bit by bit, the live one and newer ones are not', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('pruned')
      const ids = Array.from({ length: 25 }, (_, n) => `d${n}`)
      const old = await claimed(store, { name, version: 1 })
      await committed(
        store,
        old.claim,
        commit(
          1n,
          ids.map((id) => change(id, 1)),
          { snapshot: true },
        ),
      )
      await committed(
        store,
        old.claim,
        commit(
          2n,
          ids.map((id) => change(id, 2)),
        ),
      )
      expect(await store.prune(name, 10)).toBe(false)
      const next = await claimed(store, { name, version: 2, owner: 'two' })
      await committed(
        store,
        next.claim,
        commit(
          2n,
          ids.map((id) => change(id, 3)),
          { caughtUp: true },
        ),
      )
      const future = await claimed(store, { name, version: 3, owner: 'three' })
      await committed(store, future.claim, commit(1n, [change('x', 1)]))
      expect(await store.prune(name, 10)).toBe(true)
      for (let round = 0; await store.prune(name, 10); round++) if (round > 100) throw new Error('it goes on for ever')
      expect((await store.builds(name)).map(({ version }) => version)).toEqual([3, 2])
      expect(await readAll(store, { name, version: 1 })).toBeUndefined()
      expect(await store.nearestSnapshot({ name, version: 1 }, { position: 9n })).toBeUndefined()
      expect(Object.keys((await readAll(store, { name }))?.documents ?? {})).toHaveLength(25)
      expect(await readAll(store, { name, version: 3 })).toMatchObject({ documents: { x: 1 } })
      expect(await store.prune(name, 10)).toBe(false)
    })
  })
}
