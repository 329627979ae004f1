import { describe, expect, test } from 'vitest'
import { change, claimed, commit, committed, readAll, unique } from './kit.ts'
import type { ReadStoreContractFactory } from './subject.ts'

/** Documents and checkpoint in one transaction. */
export function describeCommits(factory: ReadStoreContractFactory): void {
  describe('commits', () => {
    test('add, change and remove documents, and move the checkpoint with them', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('basic')
      const { claim } = await claimed(store, { name })
      expect(await committed(store, claim, commit(1n, [change('a', { n: 1 }), change('b', [])]))).toEqual({
        kind: 'committed',
        live: true,
      })
      expect(await readAll(store, { name })).toEqual({ position: 1n, documents: { a: { n: 1 }, b: [] } })
      await committed(store, claim, commit(4n, [change('a', { n: 2 }), change('b', undefined), change('c', null)]))
      expect(await readAll(store, { name })).toEqual({ position: 4n, documents: { a: { n: 2 }, c: null } })
      const ids = ['b', 'c', 'a', 'never'].map((id) => ({ tenant: 't', id }))
      expect(await store.read({ name }, ids)).toEqual({
        version: 1,
        position: 4n,
        documents: [undefined, 'null', '{"n":2}', undefined],
      })
      await committed(store, claim, commit(5n, [change('b', 'back')]))
      expect(await readAll(store, { name })).toMatchObject({ documents: { b: 'back' } })
    })

    test('without documents, the checkpoint moves alone', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('empty')
      const { claim } = await claimed(store, { name })
      await committed(store, claim, commit(9n, [], { recordedUntilMs: 1_700_000_000_123 }))
      expect(await store.live(name)).toMatchObject({ position: 9n, recordedUntilMs: 1_700_000_000_123 })
      expect(await store.read({ name }, [])).toEqual({ version: 1, position: 9n, documents: [] })
    })

    test('texts come back byte by byte', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('bytes')
      const { claim } = await claimed(store, { name })
      const texts = [
        '{"b":1,"a":2,"b":3}',
        ' { "n" : 1.0e2 }',
        '"\u2028 \ud83d\ude00 ä \\u0000"',
        `"${'x'.repeat(300_000)}"`,
      ]
      const changes = texts.map((json, n) => ({ tenant: 't', id: `d${n}`, json }))
      await committed(store, claim, commit(1n, changes))
      expect((await store.read({ name }, changes))?.documents).toEqual(texts)
    })

    test('a batch of thousands, and positions of 63 bits', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('large')
      const { claim } = await claimed(store, { name })
      const position = 2n ** 62n + 1n
      const changes = Array.from({ length: 5_000 }, (_, n) => change(`d${n}`, n))
      await committed(store, claim, commit(position, changes, { snapshot: true, recordedUntilMs: 1 }))
      await committed(
        store,
        claim,
        commit(
          position + 1n,
          changes.map(({ id }) => change(id, -1)),
          { recordedUntilMs: 1 },
        ),
      )
      const ids = [{ tenant: 't', id: 'd4999' }]
      expect(await store.read({ name }, ids)).toEqual({ version: 1, position: position + 1n, documents: ['-1'] })
      const old = await store.read({ name, version: 1, snapshot: position }, ids)
      expect(old).toEqual({ version: 1, position, documents: ['4999'] })
      expect(await store.nearestSnapshot({ name, version: 1 }, { position: 2n ** 63n - 1n })).toEqual({
        position,
        recordedUntilMs: 1,
      })
      expect((await store.list({ name }, { tenant: 't', limit: 10_000 }))?.documents).toHaveLength(5_000)
      expect((await store.read({ name }, changes))?.documents).toHaveLength(5_000)
    })

    test('state and checkpoint agree in every read, while commits go on', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const other = await subject.another()
      const name = unique('whole')
      const { claim } = await claimed(store, { name })
      let done = false
      const write = async (): Promise<void> => {
        for (let n = 1; n <= 100; n++) {
          await committed(store, claim, commit(BigInt(n), [change('a', n), change('b', n), change('c', n)]))
        }
        done = true
      }
      const read = async (): Promise<number> => {
        let reads = 0
        for (; !done; reads++) {
          const seen = await readAll(other, { name })
          const n = Number(seen?.position)
          expect(seen?.documents).toEqual(n === 0 ? {} : { a: n, b: n, c: n })
          // A store that reads at once would never let the writes go on.
          await new Promise((resolve) => setImmediate(resolve))
        }
        return reads
      }
      const [, reads] = await Promise.all([write(), read()])
      expect(reads).toBeGreaterThan(0)
      await other.close()
    })
  })
}
