import type { Projection, ReadStore } from '@holdfast/core'
import { compareUtf8, type DocumentSet } from './documents.ts'

const pageSize = 1_000
/** Nobody else knows of the store. */
const leaseMs = 24 * 3_600_000

/**
 * Keeps the documents of one rebuild in a read store that nothing else uses (one on a temporary folder), so that memory
 * stays flat however many there are.
 */
export async function createStoredDocuments(projection: Projection, store: ReadStore): Promise<DocumentSet> {
  const { name, version } = projection
  const claimed = await store.claim({ name, version, owner: 'rebuild', leaseMs })
  if (claimed.kind !== 'claimed' || claimed.position !== 0n)
    throw new Error('the read store is not of this rebuild alone')
  const tenants = new Set<string>()
  let commits = 0n
  return {
    load: async (ids) => (await store.read({ name, version }, ids))?.documents ?? [],
    save: async (changes) => {
      for (const { tenant } of changes) tenants.add(tenant)
      const commit = { changes, position: ++commits, recordedUntilMs: 0, snapshot: false, caughtUp: false }
      const result = await store.commit(claimed.claim, commit)
      if (result.kind !== 'committed') throw new Error(`the read store is used by others: ${result.kind}`)
    },
    all: async function* () {
      for (const tenant of [...tenants].sort(compareUtf8)) {
        for (let after: string | undefined; ;) {
          const page = await store.list(
            { name, version },
            { tenant, limit: pageSize, ...(after !== undefined && { after }) },
          )
          for (const { id, json } of page?.documents ?? []) yield { tenant, id, json }
          after = page?.documents.at(-1)?.id
          if ((page?.documents.length ?? 0) < pageSize) break
        }
      }
    },
  }
}
