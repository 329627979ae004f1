import { describe, expect, test } from 'vitest'
import { change, claimed, commit, committed, eventuallyClaimed, longLeaseMs, readAll, unique } from './kit.ts'
import type { ReadStoreContractFactory } from './subject.ts'

/** One projector at a time: claims, leases, fencing tokens. */
export function describeClaims(factory: ReadStoreContractFactory): void {
  describe('claims', () => {
    test('the first claim makes the build: it is empty, and live', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('first')
      expect(await store.live(name)).toBeUndefined()
      expect(await store.builds(name)).toEqual([])
      expect(await readAll(store, { name })).toBeUndefined()
      const first = await claimed(store, { name })
      expect(first).toMatchObject({ position: 0n, recordedUntilMs: 0, live: true })
      expect(first.claim).toMatchObject({ name, version: 1, owner: 'one' })
      const status = {
        name,
        version: 1,
        live: true,
        position: 0n,
        recordedUntilMs: 0,
        owner: 'one',
        failure: undefined,
      }
      expect(await store.live(name)).toEqual(status)
      expect(await store.builds(name)).toEqual([status])
      expect(await readAll(store, { name })).toEqual({ position: 0n, documents: {} })
    })

    test('another owner does not get it within the lease', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('held')
      const { claim } = await claimed(store, { name, owner: 'one' })
      const request = { name, version: 1, owner: 'two', leaseMs: longLeaseMs }
      expect(await store.claim(request)).toEqual({ kind: 'held', owner: 'one' })
      expect(await store.renew(claim)).toBe(true)
      await claimed(store, { name: unique('other'), owner: 'two' })
    })

    test('of many that claim at once, in several processes, one gets it', async () => {
      await using subject = await factory.open()
      const other = await subject.another()
      const name = unique('race')
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          (n % 2 === 0 ? subject.store : other).claim({ name, version: 1, owner: `p${n}`, leaseMs: longLeaseMs }),
        ),
      )
      const winners = results.flatMap((result) => (result.kind === 'claimed' ? [result.claim.owner] : []))
      expect(winners).toHaveLength(1)
      for (const result of results) if (result.kind === 'held') expect(result.owner).toBe(winners[0])
      await other.close()
    })

    test('the same owner gets it again at once, and its claim from before is fenced', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('again')
      const before = await claimed(store, { name })
      await committed(store, before.claim, commit(5n, [change('a', 1)]))
      const after = await claimed(store, { name })
      expect(after.claim.token).toBeGreaterThan(before.claim.token)
      expect(after).toMatchObject({ position: 5n, recordedUntilMs: 5 })
      expect(await store.commit(before.claim, commit(6n, [change('a', 2)]))).toEqual({ kind: 'fenced' })
      expect(await store.renew(before.claim)).toBe(false)
      expect(await readAll(store, { name })).toEqual({ position: 5n, documents: { a: 1 } })
      await committed(store, after.claim, commit(6n, [change('a', 3)]))
    })

    test('a projector that was paused beyond its lease cannot write when it wakes', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const other = await subject.another()
      const name = unique('paused')
      const paused = await claimed(store, { name, owner: 'one', leaseMs: 30 })
      await committed(store, paused.claim, commit(5n, [change('a', 1)]))
      const next = await eventuallyClaimed(other, { name, owner: 'two' })
      expect(next.position).toBe(5n)
      await committed(other, next.claim, commit(6n, [change('a', 2)]))
      expect(await store.commit(paused.claim, commit(7n, [change('a', 'stale')]))).toEqual({ kind: 'fenced' })
      expect(await store.commit(paused.claim, commit(5n, [], { snapshot: true }))).toEqual({ kind: 'fenced' })
      expect(await store.renew(paused.claim)).toBe(false)
      await store.release(paused.claim)
      expect((await store.live(name))?.owner).toBe('two')
      expect(await readAll(store, { name })).toEqual({ position: 6n, documents: { a: 2 } })
      await other.close()
    })

    test('a lease that has run out, and that nobody took, goes on with the next commit', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('late')
      const { claim } = await claimed(store, { name, leaseMs: 1 })
      await new Promise((resolve) => setTimeout(resolve, 20))
      await committed(store, claim, commit(3n, [change('a', 1)]))
      expect(await store.renew(claim)).toBe(true)
    })

    test('a renewal keeps it', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('renewed')
      const short = await claimed(store, { name, leaseMs: 1 })
      expect(await store.renew({ ...short.claim, leaseMs: longLeaseMs })).toBe(true)
      const request = { name, version: 1, owner: 'two', leaseMs: 1 }
      expect(await store.claim(request)).toEqual({ kind: 'held', owner: 'one' })
    })

    test('what is given back can be taken at once, and the old claim is fenced', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('released')
      const before = await claimed(store, { name })
      await store.release(before.claim)
      expect(await store.live(name)).toMatchObject({ owner: undefined, failure: undefined })
      const after = await claimed(store, { name, owner: 'two' })
      expect(after.claim.token).toBeGreaterThan(before.claim.token)
      expect(await store.commit(before.claim, commit(1n, []))).toEqual({ kind: 'fenced' })
    })

    test('a failure is told until the next commit', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('failed')
      const failure = { position: 2n ** 60n, eventId: 'e-1', message: 'boom: "ä"', failedAtMs: 1_700_000_000_000 }
      const first = await claimed(store, { name })
      await store.release(first.claim, failure)
      expect((await store.live(name))?.failure).toEqual(failure)
      const second = await claimed(store, { name, owner: 'two' })
      expect((await store.live(name))?.failure).toEqual(failure)
      // A release that comes too late says nothing any more.
      await store.release(first.claim, { ...failure, message: 'late' })
      expect((await store.live(name))?.failure).toEqual(failure)
      await committed(store, second.claim, commit(1n, []))
      expect((await store.live(name))?.failure).toBeUndefined()
    })
  })
}
