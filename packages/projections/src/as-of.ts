import type { EventStore, ListQuery, Projection, ReadStore } from '@holdfast/core'
import { compareUtf8, idAt, placeOf } from './documents.ts'
import { EventOwners } from './event-owners.ts'
import { Fold } from './fold.ts'
import { foldUntil } from './fold-until.ts'
import type { Moment } from './moment.ts'

export interface AsOfOptions {
  readonly events: EventStore
  readonly store: ReadStore
  readonly at: Moment
  /** Whose documents; '' in a projection that all tenants share. */
  readonly tenant: string
  /** Only this document. Default: all of the tenant. */
  readonly id: string | undefined
  readonly maxFolded?: number
}

/** A tenant's documents as of a moment: a snapshot, and what was folded on top of it. */
export interface AsOf {
  /** Everything up to here is in it, and nothing behind. */
  readonly position: bigint
  /** JSON text of a document; undefined for none. */
  documentOf(id: string): Promise<string | undefined>
  page(query: ListQuery): Promise<readonly { readonly id: string; readonly json: string }[]>
}

const defaultMaxFolded = 50_000

/**
 * Folds from the nearest snapshot of this version's build up to the moment. The snapshot stays as it is, whatever the
 * projector does meanwhile.
 *
 * @throws ReadStoreError, EventStoreError, FoldError
 */
export async function asOf(
  projection: Projection,
  { events, store, at, tenant, id, maxFolded = defaultMaxFolded }: AsOfOptions,
): Promise<AsOf | { readonly kind: 'not-built' | 'not-reached' }> {
  const { name, version } = projection
  const snapshot = await store.nearestSnapshot({ name, version }, at)
  if (snapshot === undefined) return { kind: 'not-built' }
  const selector = { name, version, snapshot: snapshot.position }
  const fold = new Fold(projection, {
    load: async (ids) => (await store.read(selector, ids))?.documents ?? [],
    ...{ position: snapshot.position, recordedUntilMs: snapshot.recordedUntilMs },
    owners: new EventOwners(events),
    only: (document) => document.tenant === tenant && (id === undefined || document.id === id),
    // All that was changed stays until it is taken, at the end.
  })
  const onBatch = (): boolean => fold.events <= maxFolded
  if (!(await foldUntil(projection, fold, { events, until: at, onBatch }))) return { kind: 'not-reached' }
  /** Changed since the snapshot; undefined: removed. */
  const changed = new Map(fold.take().map((change) => [placeOf(change.tenant, change.id), change.json]))

  async function documentOf(wanted: string): Promise<string | undefined> {
    const place = placeOf(tenant, wanted)
    if (changed.has(place)) return changed.get(place)
    return (await store.read(selector, [{ tenant, id: wanted }]))?.documents[0]
  }

  async function page({ after, limit }: ListQuery): Promise<readonly { readonly id: string; readonly json: string }[]> {
    const fresh = [...changed]
      .flatMap(([place, json]) => (json === undefined ? [] : [{ id: idAt(place).id, json }]))
      .filter((document) => after === undefined || compareUtf8(document.id, after) > 0)
      .sort((a, b) => compareUtf8(a.id, b.id))
    const kept: { readonly id: string; readonly json: string }[] = []
    for (let behind = after; kept.length < limit;) {
      const old = await store.list(selector, { tenant, limit, ...(behind !== undefined && { after: behind }) })
      kept.push(...(old?.documents ?? []).filter((document) => !changed.has(placeOf(tenant, document.id))))
      behind = old?.documents.at(-1)?.id
      if ((old?.documents.length ?? 0) < limit) break
    }
    return [...kept, ...fresh].sort((a, b) => compareUtf8(a.id, b.id)).slice(0, limit)
  }

  return { position: fold.position, documentOf, page }
}
