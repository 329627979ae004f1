import type { ProjectionCommit, ReadStore } from '@holdfast/core'

/** So many documents are changed by each commit: whether it happened as a whole shows. */
export const documentCount = 20

/** The commit after which all documents say `position`. Every tenth is a snapshot too. */
export const countCommit = (position: bigint): ProjectionCommit => ({
  changes: Array.from({ length: documentCount }, (_, n) => ({ tenant: 't', id: `d${n}`, json: String(position) })),
  position,
  recordedUntilMs: Number(position),
  snapshot: position % 10n === 0n,
  caughtUp: true,
})

/** What the documents say, which must be one number, and the checkpoint. */
export async function readCount(store: ReadStore): Promise<{ position: bigint; counts: readonly string[] }> {
  const page = await store.list({ name: 'counted' }, { tenant: 't', limit: 1_000 })
  if (page === undefined) throw new Error('there is no such build')
  return { position: page.position, counts: [...new Set(page.documents.map(({ json }) => json))] }
}

/** Each snapshot that there must be, against what its commit wrote. Returns those that differ. */
export async function wrongSnapshots(store: ReadStore, until: bigint): Promise<readonly bigint[]> {
  const wrong: bigint[] = []
  for (let snapshot = 10n; snapshot <= until; snapshot += 10n) {
    const page = await store.list({ name: 'counted', version: 1, snapshot }, { tenant: 't', limit: 1_000 })
    const texts = page?.documents.map(({ json }) => json) ?? []
    if (texts.length !== documentCount || texts.some((text) => text !== String(snapshot))) wrong.push(snapshot)
  }
  return wrong
}
