import { describe, expect, test } from 'vitest'
import { change, claimed, commit, committed, expectCode, longLeaseMs, readAll, unique } from './kit.ts'
import type { ReadStoreContractFactory } from './subject.ts'

/** Restarts, and the end. */
export function describeLifecycle(factory: ReadStoreContractFactory): void {
  describe('lifecycle', () => {
    test('a restart keeps documents, snapshots, checkpoints, claims and failures', async () => {
      await using subject = await factory.open()
      const name = unique('kept')
      const before = await claimed(subject.store, { name })
      await committed(subject.store, before.claim, commit(1n, [change('a', 1)], { snapshot: true }))
      await committed(subject.store, before.claim, commit(2n, [change('a', 2)]))
      const store = await subject.reopen()
      expect(await readAll(store, { name })).toEqual({ position: 2n, documents: { a: 2 } })
      expect(await readAll(store, { name, version: 1, snapshot: 1n })).toEqual({ position: 1n, documents: { a: 1 } })
      const request = { name, version: 1, owner: 'two', leaseMs: longLeaseMs }
      expect(await store.claim(request)).toEqual({ kind: 'held', owner: 'one' })
      await committed(store, before.claim, commit(3n, []))
      const again = await claimed(store, { name, owner: 'one' })
      expect(again.position).toBe(3n)
    })

    test('close waits for the commits under way', async () => {
      await using subject = await factory.open()
      const name = unique('under-way')
      const { claim } = await claimed(subject.store, { name })
      const under = [1n, 2n, 3n].map((n) => subject.store.commit(claim, commit(n, [change(`d${n}`, 1)])))
      await subject.store.close()
      for (const result of await Promise.all(under)) expect(result.kind).toBe('committed')
      const store = await subject.reopen()
      expect(await readAll(store, { name })).toEqual({ position: 3n, documents: { d1: 1, d2: 1, d3: 1 } })
    })

    test('after close every use fails with closed, and closing again is fine', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('closed')
      const { claim } = await claimed(store, { name })
      await Promise.all([store.close(), store.close()])
      await store.close()
      await expectCode(() => store.claim({ name, version: 1, owner: 'one', leaseMs: 1 }), 'closed')
      await expectCode(() => store.renew(claim), 'closed')
      await expectCode(() => store.release(claim), 'closed')
      await expectCode(() => store.commit(claim, commit(1n, [])), 'closed')
      await expectCode(() => store.prune(name, 1), 'closed')
      await expectCode(() => store.live(name), 'closed')
      await expectCode(() => store.builds(name), 'closed')
      await expectCode(() => store.read({ name }, []), 'closed')
      await expectCode(() => store.list({ name }, { tenant: 't', limit: 1 }), 'closed')
      await expectCode(() => store.nearestSnapshot({ name, version: 1 }, { position: 1n }), 'closed')
    })
  })
}
