import type { EventStore, Projection, RecordedEvent } from '@holdfast/core'
import { createMemoryDocuments, type DocumentSet } from './documents.ts'
import { EventOwners } from './event-owners.ts'
import { Fold } from './fold.ts'
import { foldUntil } from './fold-until.ts'
import { isAfter, type Moment } from './moment.ts'

export interface RebuildOptions {
  readonly events: EventStore
  /** State as of then. Default: as of the end of the history. */
  readonly at?: Moment | undefined
  /** From the events of this stream alone. Default: all. */
  readonly stream?: string | undefined
  /** Only this tenant's documents. Default: those of all ('' is the tenant of a projection that all share). */
  readonly tenant?: string | undefined
  /** Called after each batch. */
  readonly onProgress?: ((progress: RebuildProgress) => void) | undefined
  /** Gives up: the rebuild rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /**
   * Where the documents are kept meanwhile; nothing stands there at the beginning. Default: in memory. For projections of many documents, hand in
   * `createStoredDocuments` on a read store of your own: then memory stays flat.
   */
  readonly documents?: DocumentSet | undefined
}

export interface RebuildProgress {
  /** Folded so far. */
  readonly events: number
  readonly position: bigint
}

export interface Rebuilt extends RebuildProgress {
  /** Greatest `recordedAtMs` of the events that were folded; 0 for none. */
  readonly recordedUntilMs: number
  /** How many events of each type were read in which stored version: `{ OrderPlaced: { 1: 12, 2: 30 } }`. */
  readonly storedVersions: Readonly<Record<string, Readonly<Record<number, number>>>>
  /** Whose events were folded, also where nothing is left of them; '' where all share the documents. */
  readonly tenants: ReadonlySet<string>
  /** All documents: by tenant, and within it in the order of the UTF-8 bytes of their ids. */
  documents(): AsyncIterable<{ readonly tenant: string; readonly id: string; readonly json: string }>
}

/** Documents are handed to the set when so many have changed. */
const saveEvery = 2_000
const pageSize = 500

/**
 * Folds a projection from the events alone, without a read store and without a trace: for audits and `replay`. Gives the
 * same documents as the projector.
 *
 * @throws FoldError for an event that the projection's code cannot fold; EventStoreError
 */
export async function rebuild(projection: Projection, options: RebuildOptions): Promise<Rebuilt> {
  const { events, at, stream, tenant, onProgress, signal } = options
  const documents = options.documents ?? createMemoryDocuments()
  const storedVersions: Record<string, Record<number, number>> = {}
  const tenants = new Set<string>()
  const fold = new Fold(projection, {
    load: documents.load,
    position: 0n,
    fromNothing: true,
    owners: new EventOwners(events),
    ...(tenant !== undefined && { only: (document) => document.tenant === tenant }),
    onEvent: ({ type, storedVersion, tenant: owner }) => {
      if (projection.scope === 'shared') tenants.add('')
      else if (owner !== undefined) tenants.add(owner)
      const counts = (storedVersions[type] ??= {})
      counts[storedVersion] = (counts[storedVersion] ?? 0) + 1
    },
  })
  const save = async (): Promise<void> => {
    await documents.save(fold.take())
    fold.trim()
  }
  const onBatch = async (): Promise<boolean> => {
    signal?.throwIfAborted()
    if (fold.changed >= saveEvery) await save()
    onProgress?.({ events: fold.events, position: fold.position })
    return true
  }
  if (stream === undefined) await foldUntil(projection, fold, { events, until: at, signal, onBatch })
  else await foldStream(projection, fold, { events, stream, at, onBatch })
  signal?.throwIfAborted()
  await save()
  const { position, recordedUntilMs } = fold
  const progress = { events: fold.events, position }
  return { ...progress, recordedUntilMs, storedVersions, tenants, documents: () => documents.all() }
}

interface StreamOptions {
  readonly events: EventStore
  readonly stream: string
  readonly at: Moment | undefined
  readonly onBatch: () => Promise<boolean>
}

async function foldStream(projection: Projection, fold: Fold, options: StreamOptions): Promise<void> {
  const { events, stream, at, onBatch } = options
  const types = new Set(projection.types)
  for (let from = 0n; ; from += BigInt(pageSize)) {
    const page = await events.read(stream, { direction: 'forwards', from, maxCount: pageSize })
    const cut = at === undefined ? -1 : page.findIndex((event) => isAfter(event, at))
    const wanted: readonly RecordedEvent[] = cut === -1 ? page : page.slice(0, cut)
    const last = wanted.at(-1)
    if (last !== undefined)
      await fold.apply(
        wanted.filter(({ type }) => types.has(type)),
        last.position,
      )
    await onBatch()
    if (cut !== -1 || page.length < pageSize) return
  }
}
