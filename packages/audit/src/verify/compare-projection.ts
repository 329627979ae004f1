import {
  canonicalJson,
  ReadStoreError,
  type DocumentPage,
  type EventStore,
  type JsonValue,
  type Projection,
  type ReadStore,
} from '@holdfast/core'
import {
  compareUtf8,
  createMemoryDocuments,
  rebuild,
  type DocumentSet,
  type Rebuilt,
  type RebuildProgress,
} from '@holdfast/projections'

/** A document that the live projection has otherwise than the events fold to. */
export interface ProjectionDifference {
  /** `missing`: only the events have it; `extra`: only the live projection. */
  readonly kind: 'missing' | 'extra' | 'changed'
  readonly tenant: string
  readonly id: string
  /** What differs, in words: `member "quantity": 3 is live, 2 is what the events fold to`. */
  readonly what: string
}

/**
 * - `compared`: at one position; no differences means that they are equal
 * - `not-built`: the read store does not have the projection
 * - `other-version`: another version than the application's is live
 * - `moving`: the live projection changed with each look
 */
export type ProjectionComparison =
  | {
      readonly kind: 'compared'
      readonly position: bigint
      readonly documents: number
      /** The first hundred. */
      readonly differences: readonly ProjectionDifference[]
      readonly differenceCount: number
    }
  | { readonly kind: 'not-built' }
  | { readonly kind: 'other-version'; readonly liveVersion: number }
  | { readonly kind: 'moving' }

/** Where the documents of one rebuild are kept, and let go afterwards. */
export interface KeptDocuments extends AsyncDisposable {
  readonly documents: DocumentSet
}

export interface CompareProjectionOptions {
  readonly projection: Projection
  readonly events: EventStore
  readonly readStore: ReadStore
  /** Called for each look: where the rebuild keeps its documents. Default: in memory. */
  readonly keep?: () => Promise<KeptDocuments>
  readonly onProgress?: (progress: RebuildProgress) => void
}

const pageSize = 1_000
const maxLooks = 20
const maxListed = 100

/**
 * Rebuilds a projection from the events up to where the live one stands, and names each document that differs. Both are
 * walked side by side, in the order of their keys: memory holds a page of the live ones, and of the others what `keep`
 * does. A tenant that no event is of is not looked for in the live projection.
 *
 * @throws FoldError, EventStoreError, ReadStoreError
 */
export async function compareProjection(options: CompareProjectionOptions): Promise<ProjectionComparison> {
  const { projection, events, readStore, onProgress, keep = keepInMemory } = options
  const { name } = projection
  const live = await readStore.live(name)
  if (live === undefined) return { kind: 'not-built' }
  if (live.version !== projection.version) return { kind: 'other-version', liveVersion: live.version }
  // Its documents are read at one position; the tenants are those of a rebuild as of then.
  for (let look = 0; look < maxLooks; look++) {
    const position = (await readStore.live(name))?.position ?? 0n
    await using kept = await keep()
    const { documents } = kept
    const rebuilt = await rebuild(projection, {
      events,
      documents,
      at: { position },
      ...(onProgress && { onProgress }),
    })
    const found = await compareAt(options, rebuilt, position)
    if (found !== undefined) return { kind: 'compared', position, ...found }
  }
  return { kind: 'moving' }
}

async function keepInMemory(): Promise<KeptDocuments> {
  return { documents: createMemoryDocuments(), [Symbol.asyncDispose]: async () => undefined }
}

/** Undefined when the live projection went on meanwhile. */
async function compareAt({ projection, readStore }: CompareProjectionOptions, rebuilt: Rebuilt, position: bigint) {
  const differences: ProjectionDifference[] = []
  let [differenceCount, documents] = [0, 0]
  const note = (difference: ProjectionDifference): void => {
    differenceCount += 1
    if (differences.length < maxListed) differences.push(difference)
  }
  const own = rebuilt.documents()[Symbol.asyncIterator]()
  let next = await own.next()
  /** The next of those that the events fold to, up to an id of a tenant; undefined when the next stands behind it. */
  const takeUpTo = async (tenant: string, id?: string) => {
    if (next.done === true || next.value.tenant !== tenant) return undefined
    if (id !== undefined && compareUtf8(next.value.id, id) > 0) return undefined
    const { value } = next
    next = await own.next()
    return value
  }
  const missing = (tenant: string, id: string): void => {
    note({ kind: 'missing', tenant, id, what: 'the live projection does not have it' })
  }
  for (const tenant of tenantsOf(projection, rebuilt)) {
    for (let after: string | undefined, ended = false; !ended;) {
      const page = await pageOf(readStore, projection, { tenant, after })
      if (page.position !== position) return undefined
      for (const { id, json } of page.documents) {
        documents += 1
        let same: { readonly id: string; readonly json: string } | undefined
        for (let one = await takeUpTo(tenant, id); one !== undefined; one = await takeUpTo(tenant, id))
          if (one.id === id) same = one
          else missing(tenant, one.id)
        if (same === undefined) note({ kind: 'extra', tenant, id, what: 'the events fold to no such document' })
        else if (same.json !== json) {
          const what = differenceOf(json, same.json)
          if (what !== undefined) note({ kind: 'changed', tenant, id, what })
        }
      }
      after = page.documents.at(-1)?.id
      ended = page.documents.length < pageSize
    }
    for (let one = await takeUpTo(tenant); one !== undefined; one = await takeUpTo(tenant)) missing(tenant, one.id)
  }
  return { documents, differences, differenceCount }
}

/** In the order of a rebuild's documents. */
function tenantsOf({ scope }: Projection, { tenants }: Rebuilt): readonly string[] {
  return tenants.size === 0 ? [scope === 'shared' ? '' : 'default'] : [...tenants].sort(compareUtf8)
}

async function pageOf(
  readStore: ReadStore,
  { name, version }: Projection,
  { tenant, after }: { readonly tenant: string; readonly after: string | undefined },
): Promise<DocumentPage> {
  const query = { tenant, limit: pageSize, ...(after !== undefined && { after }) }
  const page = await readStore.list({ name, version }, query)
  if (page === undefined) throw new ReadStoreError('unavailable', `the projection ${name} is gone`)
  return page
}

/** The first member that differs; undefined when only the order of members does. */
function differenceOf(live: string, own: string): string | undefined {
  const [there, here] = [JSON.parse(live) as JsonValue, JSON.parse(own) as JsonValue]
  if (textOf(there) === textOf(here)) return undefined
  for (const name of new Set([...namesOf(there), ...namesOf(here)])) {
    const [one, other] = [memberOf(there, name), memberOf(here, name)]
    if (textOf(one) !== textOf(other)) {
      return `member "${name}": ${clip(textOf(one))} is live, ${clip(textOf(other))} is what the events fold to`
    }
  }
  return `${clip(live)} is live, ${clip(own)} is what the events fold to`
}

const isRecord = (value: JsonValue | undefined): value is Readonly<Record<string, JsonValue>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const namesOf = (value: JsonValue): readonly string[] => (isRecord(value) ? Object.keys(value) : [])
const memberOf = (value: JsonValue, name: string): JsonValue | undefined => (isRecord(value) ? value[name] : undefined)
const textOf = (value: JsonValue | undefined): string => (value === undefined ? 'nothing' : canonicalJson(value))
const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text)
