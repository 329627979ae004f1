import { describe, expect, test } from 'vitest'
import { change, claimed, commit, committed, readAll, unique } from './kit.ts'
import type { ReadStoreContractFactory } from './subject.ts'

/** In the order of their UTF-8 bytes; UTF-16 code units would put the last two the other way round. */
const ordered = ['!', '"', '%', "'", '0', '10', '9', 'A', 'Z', '_', 'a', 'a b', 'a-b', 'aa', 'é', 'ﬀ', '😀']

/** Pages of documents. */
export function describeLists(factory: ReadStoreContractFactory): void {
  describe('lists', () => {
    test('stand in the order of the UTF-8 bytes, in pages of any size', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('order')
      const { claim } = await claimed(store, { name })
      const shuffled = [...ordered].sort(
        (a, b) => ((a.length * 7 + a.charCodeAt(0)) % 11) - ((b.length * 7 + b.charCodeAt(0)) % 11),
      )
      await committed(
        store,
        claim,
        commit(
          1n,
          shuffled.map((id) => change(id, id)),
        ),
      )
      for (const limit of [1, 2, 5, ordered.length, 10_000]) {
        const seen: string[] = []
        for (let after: string | undefined; ; after = seen.at(-1)) {
          const page = await store.list({ name }, { tenant: 't', limit, ...(after !== undefined && { after }) })
          if (page === undefined) throw new Error('there is no such build')
          seen.push(...page.documents.map(({ id }) => id))
          if (page.documents.length < limit) break
        }
        expect(seen).toEqual(ordered)
      }
      const beyond = await store.list({ name }, { tenant: 't', limit: 5, after: 'a-' })
      expect(beyond?.documents.map(({ id }) => id)).toEqual(['a-b', 'aa', 'é', 'ﬀ', '😀'])
    })

    test('nobody sees another tenant: the same id is another document for each', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('tenants')
      const { claim } = await claimed(store, { name })
      await committed(
        store,
        claim,
        commit(1n, [change('x', 'of t'), change('x', 'of u', 'u'), change('y', 'shared', '')]),
      )
      expect(await readAll(store, { name }, 't')).toMatchObject({ documents: { x: 'of t' } })
      expect(await readAll(store, { name }, 'u')).toMatchObject({ documents: { x: 'of u' } })
      expect(await readAll(store, { name }, '')).toMatchObject({ documents: { y: 'shared' } })
      expect((await store.read({ name }, [{ tenant: 'u', id: 'y' }]))?.documents).toEqual([undefined])
      await committed(store, claim, commit(2n, [change('x', undefined, 'u')]))
      expect(await readAll(store, { name }, 't')).toMatchObject({ documents: { x: 'of t' } })
    })

    test('projections are apart', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const [one, two] = [unique('one'), unique('two')]
      const first = await claimed(store, { name: one })
      await claimed(store, { name: two })
      await committed(store, first.claim, commit(1n, [change('x', 1)]))
      expect(await readAll(store, { name: two })).toEqual({ position: 0n, documents: {} })
    })

    test('an id of a thousand bytes', async () => {
      await using subject = await factory.open()
      const { store } = subject
      const name = unique('long')
      const { claim } = await claimed(store, { name })
      const ids = [`${'ä'.repeat(511)}a`, `${'ä'.repeat(511)}b`]
      await committed(
        store,
        claim,
        commit(
          1n,
          ids.map((id) => change(id, id)),
        ),
      )
      expect(Object.keys((await readAll(store, { name }))?.documents ?? {})).toEqual(ids)
    })
  })
}
