import {
  maxDocumentIdBytes,
  projectionEventOf,
  type DocumentChange,
  type DocumentId,
  type JsonValue,
  type Projection,
  type ProjectionEvent,
  type RecordedEvent,
} from '@holdfast/core'
import { idAt, placeOf, type LoadDocuments } from './documents.ts'
import type { EventOwners } from './event-owners.ts'
import { ForgottenPlaces } from './forgotten-places.ts'

/** Which event it is. */
export type FoldedEvent = Pick<RecordedEvent, 'id' | 'type' | 'position'>

/** An event that could not be folded: the projection's code threw, or gave what cannot be kept. */
export class FoldError extends Error {
  override readonly name = 'FoldError'
  readonly event: FoldedEvent

  constructor(event: FoldedEvent, cause: unknown) {
    super(`${event.type} at position ${event.position} could not be folded: ${String(cause)}`, { cause })
    this.event = event
  }
}

export interface FoldOptions {
  readonly load: LoadDocuments
  /** Where it stands: everything up to here is in what `load` finds. */
  readonly position: bigint
  readonly recordedUntilMs?: number
  /** `load` finds nothing but what this fold hands over: a document that it never had is not looked for. Default false. */
  readonly fromNothing?: boolean
  /** Tells whose events are that do not say so. Default: they are nobody's. */
  readonly owners?: EventOwners
  /** Folds only documents that this wants. Default: all. */
  readonly only?: (document: DocumentId) => boolean
  /** Called for each event, after it was brought to its newest version. */
  readonly onEvent?: (event: ProjectionEvent) => void
  /** Documents that are remembered after they were taken. Default 5,000. */
  readonly maxRemembered?: number
  /** And the length of their texts, characters. Default 8 Mi. */
  readonly maxRememberedCharacters?: number
}

interface Entry {
  state: JsonValue | undefined
  changed: boolean
  /** Last event that changed it. Not the event itself: it may be large, and there are many entries. */
  event: FoldedEvent | undefined
  /** Length of its text when it was loaded or taken. */
  size: number
  /** Batch that used it last. */
  used: number
}

interface Target {
  readonly recorded: RecordedEvent
  readonly event: ProjectionEvent
  readonly places: readonly string[]
}

/**
 * Folds events into documents. What it has changed it remembers until `take` hands it over, together with the position
 * that the changes belong to; of the rest it remembers what was used last, and loads what it needs.
 *
 * Changes and position move in one turn of the event loop, so that whoever takes them at any moment takes a state that some
 * batch ended with. After a {@link FoldError} a fold cannot be used any more.
 */
export class Fold {
  readonly #projection: Projection
  readonly #options: FoldOptions
  readonly #entries = new Map<string, Entry>()
  readonly #forgotten: ForgottenPlaces | undefined
  #changed: string[] = []
  #characters = 0
  #batch = 0
  #broken = false
  #position: bigint
  #recordedUntilMs: number
  #events = 0

  constructor(projection: Projection, options: FoldOptions) {
    this.#projection = projection
    this.#options = options
    this.#forgotten = options.fromNothing === true ? new ForgottenPlaces() : undefined
    this.#position = options.position
    this.#recordedUntilMs = options.recordedUntilMs ?? 0
  }

  /** Everything up to here is folded. */
  get position(): bigint {
    return this.#position
  }

  /** Greatest `recordedAtMs` of all that is folded. */
  get recordedUntilMs(): number {
    return this.#recordedUntilMs
  }

  /** Half of a batch is in it: nothing may be taken any more. */
  get broken(): boolean {
    return this.#broken
  }

  /** Documents that were changed and not taken. */
  get changed(): number {
    return this.#changed.length
  }

  /** Events that it has folded. */
  get events(): number {
    return this.#events
  }

  /** Folds the next events, up to a position. @throws FoldError; what `load` throws */
  async apply(events: readonly RecordedEvent[], position: bigint): Promise<void> {
    this.#batch++
    const { owners } = this.#options
    const told = this.#projection.scope === 'shared' ? events : ((await owners?.tell(events)) ?? events)
    const targets: Target[] = []
    const missing = new Set<string>()
    for (const recorded of told) {
      const target = this.#targetOf(recorded)
      targets.push(target)
      for (const place of target.places) {
        const entry = this.#entries.get(place)
        // Needed from now on: it is not forgotten while others are loaded.
        if (entry !== undefined) entry.used = this.#batch
        else if (this.#forgotten?.mayHave(place) === false) this.#entries.set(place, this.#entryOf(undefined))
        else missing.add(place)
      }
    }
    if (missing.size > 0) await this.#load([...missing])
    this.#broken = true
    for (const target of targets) this.#foldInto(target)
    this.#broken = false
    this.#events += events.length
    this.#position = position
  }

  /** Texts of what was changed since the last time. @throws FoldError for a state that JSON does not carry */
  take(): DocumentChange[] {
    const changes: DocumentChange[] = []
    for (const place of this.#changed) {
      const entry = this.#entries.get(place)
      if (entry === undefined) continue
      const json = textOf(entry)
      entry.changed = false
      this.#resize(entry, json?.length ?? 0)
      changes.push({ ...idAt(place), json })
    }
    this.#changed = []
    return changes
  }

  /**
   * Forgets what was not used lately, and is stored: call it when what was taken before has been. What was changed since
   * stays.
   */
  trim(): void {
    const { maxRemembered = 5_000, maxRememberedCharacters = 8 * 1024 * 1024 } = this.#options
    for (const [place, entry] of this.#entries) {
      if (this.#entries.size <= maxRemembered && this.#characters <= maxRememberedCharacters) return
      if (entry.changed || entry.used === this.#batch) continue
      this.#resize(entry, 0)
      this.#entries.delete(place)
      this.#forgotten?.add(place)
    }
  }

  #resize(entry: Entry, size: number): void {
    this.#characters += size - entry.size
    entry.size = size
  }

  #targetOf(recorded: RecordedEvent): Target {
    try {
      const event = projectionEventOf(recorded, this.#projection.upcast)
      this.#options.onEvent?.(event)
      return { recorded, event, places: this.#placesOf(event) }
    } catch (error) {
      throw new FoldError(recorded, error)
    }
  }

  #placesOf(event: ProjectionEvent): readonly string[] {
    const { scope } = this.#projection
    const tenant = scope === 'shared' ? '' : event.tenant
    if (tenant === undefined) return []
    const key = this.#projection.key(event)
    if (key === undefined) return []
    const { only } = this.#options
    if (only === undefined && typeof key === 'string') {
      assertDocumentId(key)
      return [placeOf(tenant, key)]
    }
    const ids = typeof key === 'string' ? [key] : key
    for (const id of ids) assertDocumentId(id)
    return ids.filter((id) => only === undefined || only({ tenant, id })).map((id) => placeOf(tenant, id))
  }

  async #load(places: readonly string[]): Promise<void> {
    const texts = await this.#options.load(places.map(idAt))
    for (const [at, place] of places.entries()) {
      const text = texts[at]
      const entry = this.#entryOf(text === undefined ? undefined : (JSON.parse(text) as JsonValue))
      this.#resize(entry, text?.length ?? 0)
      this.#entries.set(place, entry)
    }
  }

  #entryOf(state: JsonValue | undefined): Entry {
    return { state, changed: false, event: undefined, size: 0, used: this.#batch }
  }

  #foldInto({ recorded, event, places }: Target): void {
    const evolve = this.#projection.on[event.type]
    const { id, type, position } = recorded
    const folded: FoldedEvent = { id, type, position }
    for (const place of places) {
      const entry = this.#entries.get(place)
      if (entry === undefined || evolve === undefined) continue
      try {
        entry.state = evolve(entry.state === undefined ? this.#projection.initial : entry.state, event)
      } catch (error) {
        throw new FoldError(recorded, error)
      }
      entry.event = folded
      entry.used = this.#batch
      if (entry.changed) continue
      entry.changed = true
      this.#changed.push(place)
    }
    if (recorded.recordedAtMs > this.#recordedUntilMs) this.#recordedUntilMs = recorded.recordedAtMs
  }
}

function textOf({ state, event }: Entry): string | undefined {
  if (state === undefined) return undefined
  try {
    const json = JSON.stringify(state) as string | undefined
    if (json === undefined) throw new TypeError(`a document cannot be a ${typeof state}`)
    return json
  } catch (error) {
    throw event === undefined ? error : new FoldError(event, error)
  }
}

/** @throws TypeError unless read stores can keep it */
function assertDocumentId(id: string): void {
  if (typeof id !== 'string' || id === '' || id.includes('\0') || !id.isWellFormed())
    throw new TypeError('the id of a document is 1 to 1,024 bytes of UTF-8, without NUL')
  if (id.length * 3 > maxDocumentIdBytes && Buffer.byteLength(id) > maxDocumentIdBytes)
    throw new TypeError(`the id of a document has at most ${maxDocumentIdBytes} bytes of UTF-8`)
}
