import { type BuildStatus, type Clock, type EventStore, type Projection, type ReadStore } from '@holdfast/core'
import { asOf, type AsOf } from './as-of.ts'
import type { Moment } from './moment.ts'
import { nothingBetween } from './nothing-between.ts'

export interface ProjectionReaderOptions {
  readonly events: EventStore
  readonly store: ReadStore
  readonly clock: Clock
  /** How long a read waits for the position that it asks for, milliseconds. */
  readonly waitMs: number
  /** Most events that one read as of a moment folds; beyond that it is refused. Default 50,000. */
  readonly maxFolded?: number
}

interface ReadRequest {
  readonly projection: Projection
  /** The caller's. */
  readonly tenant: string
  /** State as of then. Default: as of now. */
  readonly at?: Moment | undefined
  /** Only a state that holds everything up to this position: the read waits for it. */
  readonly after?: bigint | undefined
}

export interface DocumentRequest extends ReadRequest {
  readonly id: string
}

export interface PageRequest extends ReadRequest {
  /** Only ids behind this one. */
  readonly behind?: string | undefined
  readonly limit: number
}

/** Why a read gives nothing; each is a passing state. */
export type ReadRefusal =
  /** No projector has claimed the projection yet. */
  | { readonly kind: 'not-built' }
  /** It has not come to the position within the wait. */
  | { readonly kind: 'late'; readonly position: bigint }
  /** As of that moment: this version of the projection has not been built so far. */
  | { readonly kind: 'not-reached' }

export type DocumentAnswer =
  | {
      readonly kind: 'read'
      readonly version: number
      /** Everything up to here is in it. */
      readonly position: bigint
      /** JSON text; undefined when there is no such document. */
      readonly json: string | undefined
    }
  | ReadRefusal

export type PageAnswer =
  | {
      readonly kind: 'read'
      readonly version: number
      readonly position: bigint
      /** In the order of the UTF-8 bytes of their ids. */
      readonly documents: readonly { readonly id: string; readonly json: string }[]
      /** There are documents behind the last of these. */
      readonly more: boolean
    }
  | ReadRefusal

export interface ProjectionReader {
  document(request: DocumentRequest): Promise<DocumentAnswer>
  page(request: PageRequest): Promise<PageAnswer>
  /** All builds of a projection, the newest version first. */
  builds(name: string): Promise<readonly BuildStatus[]>
  /** Something was committed in this process: reads that wait look again. Others find out by themselves, a little later. */
  wake(): void
}

/** How often a read that waits looks at the position, milliseconds. */
const shortestPollMs = 5
const longestPollMs = 100
/** A read that has waited so long looks whether there is anything to wait for, milliseconds. */
const lookAfterMs = 100

/** Reads projections: now, as of a moment, or from a position on. @throws ReadStoreError, EventStoreError, FoldError */
export function createProjectionReader(options: ProjectionReaderOptions): ProjectionReader {
  const { events, store, clock, waitMs } = options
  let alarm = new AbortController()

  /** Undefined when the live build is there. */
  async function waitFor(projection: Projection, after: bigint | undefined): Promise<ReadRefusal | undefined> {
    if (after === undefined) return undefined
    const { name } = projection
    const deadlineMs = clock.nowMs() + waitMs
    let lookAtMs = Math.min(deadlineMs, clock.nowMs() + lookAfterMs)
    for (let pauseMs = shortestPollMs; ; pauseMs = Math.min(longestPollMs, pauseMs * 2)) {
      const { signal } = alarm
      const live = await store.live(name)
      if (live !== undefined && live.position >= after) return undefined
      if (live !== undefined && clock.nowMs() >= lookAtMs) {
        lookAtMs = deadlineMs
        const stretch = {
          after: live.position,
          upTo: after,
          signal: AbortSignal.timeout(Math.max(waitMs, lookAfterMs)),
        }
        if (await nothingBetween(projection, events, stretch)) return undefined
      }
      const leftMs = deadlineMs - clock.nowMs()
      if (leftMs <= 0) return live === undefined ? { kind: 'not-built' } : { kind: 'late', position: live.position }
      await clock.sleep(Math.min(pauseMs, leftMs), signal)
    }
  }

  const ownerOf = ({ projection, tenant }: ReadRequest): string => (projection.scope === 'shared' ? '' : tenant)

  /** State as of a moment, by this process's version of the projection: the live one may be another. */
  async function past(request: ReadRequest, id: string | undefined): Promise<AsOf | ReadRefusal> {
    const { projection, at } = request
    if (at === undefined) throw new TypeError('as of when?')
    return asOf(projection, { ...options, at, tenant: ownerOf(request), id })
  }

  return {
    document: async (request) => {
      const { projection, id, at, after } = request
      const refusal = await waitFor(projection, after)
      if (refusal !== undefined) return refusal
      if (at !== undefined) {
        const state = await past(request, id)
        if (!('documentOf' in state)) return state
        return { kind: 'read', version: projection.version, position: state.position, json: await state.documentOf(id) }
      }
      const read = await store.read({ name: projection.name }, [{ tenant: ownerOf(request), id }])
      if (read === undefined) return { kind: 'not-built' }
      return { kind: 'read', version: read.version, position: read.position, json: read.documents[0] }
    },
    page: async (request) => {
      const { projection, at, after, behind, limit } = request
      const refusal = await waitFor(projection, after)
      if (refusal !== undefined) return refusal
      // One more than asked for tells whether there are more.
      const query = { tenant: ownerOf(request), limit: limit + 1, ...(behind !== undefined && { after: behind }) }
      const state =
        at === undefined ? await store.list({ name: projection.name }, query) : await past(request, undefined)
      if (state === undefined) return { kind: 'not-built' }
      if ('kind' in state) return state
      const documents = 'documents' in state ? state.documents : await state.page(query)
      const version = 'documents' in state ? state.version : projection.version
      const more = documents.length > limit
      return { kind: 'read', version, position: state.position, documents: documents.slice(0, limit), more }
    },
    builds: (name) => store.builds(name),
    wake: () => {
      const woken = alarm
      alarm = new AbortController()
      woken.abort()
    },
  }
}
