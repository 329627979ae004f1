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
import type { LoadDocuments } from './documents.ts'
import type { EventOwners } from './event-owners.ts'
import { Remembered, type Entry, type FoldedEvent } from './remembered.ts'

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

/** An event, as often as there are documents that it belongs to. */
interface Target {
  readonly event: ProjectionEvent
  readonly entry: Entry
}

/**
 * Folds events into documents. What it has changed it remembers until `take` hands it over, together with the position
 * that the changes belong to; of the rest it remembers what was used last, and loads what it needs.
 *
 * Changes and position move in one turn of the event loop, so that whoever takes them at any moment takes a state that some
 * batch ended with. After `apply` has thrown a fold cannot be used any more.
 */
export class Fold {
  readonly #projection: Projection
  readonly #options: FoldOptions
  readonly #remembered: Remembered
  #changed: Entry[] = []
  #batch = 0
  #broken = false
  #position: bigint
  #recordedUntilMs: number
  #events = 0

  constructor(projection: Projection, options: FoldOptions) {
    this.#projection = projection
    this.#options = options
    this.#remembered = new Remembered(options.fromNothing === true)
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

  /** Half of a batch may be in it: nothing may be taken any more. */
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
    const missing: Entry[] = []
    for (const recorded of told) this.#aim(recorded, targets, missing)
    if (missing.length > 0) await this.#load(missing)
    this.#broken = true
    for (const target of targets) this.#foldInto(target)
    for (const { recordedAtMs } of told) if (recordedAtMs > this.#recordedUntilMs) this.#recordedUntilMs = recordedAtMs
    this.#broken = false
    this.#events += events.length
    this.#position = position
  }

  /** Texts of what was changed since the last time. @throws FoldError for a state that JSON does not carry */
  take(): DocumentChange[] {
    const changes: DocumentChange[] = []
    for (const entry of this.#changed) {
      const json = textOf(entry)
      entry.changed = false
      this.#remembered.resize(entry, json?.length ?? 0)
      changes.push({ tenant: entry.tenant, id: entry.id, json })
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
    this.#remembered.trim(this.#batch, { maxRemembered, maxRememberedCharacters })
  }

  /** Finds the documents that an event belongs to, and those of them that have to be loaded before it is folded. */
  #aim(recorded: RecordedEvent, targets: Target[], missing: Entry[]): void {
    try {
      const event = projectionEventOf(recorded, this.#projection.upcast)
      this.#options.onEvent?.(event)
      const { scope } = this.#projection
      const tenant = scope === 'shared' ? '' : event.tenant
      const key = tenant === undefined ? undefined : this.#projection.key(event)
      if (tenant === undefined || key === undefined) return
      const { only } = this.#options
      for (const id of typeof key === 'string' ? [key] : key) {
        const entry = this.#remembered.get(tenant, id)
        if (entry !== undefined) {
          // Needed from now on: it is not forgotten while others are loaded.
          entry.used = this.#batch
          targets.push({ event, entry })
          continue
        }
        assertDocumentId(id)
        if (only?.({ tenant, id }) === false) continue
        const added = this.#remembered.add(tenant, id, this.#batch)
        if (added.elsewhere) missing.push(added.entry)
        targets.push({ event, entry: added.entry })
      }
    } catch (error) {
      throw new FoldError(recorded, error)
    }
  }

  async #load(entries: readonly Entry[]): Promise<void> {
    let texts: readonly (string | undefined)[]
    try {
      texts = await this.#options.load(entries.map(({ tenant, id }) => ({ tenant, id })))
    } catch (error) {
      // They are remembered already, as if there were none.
      this.#broken = true
      throw error
    }
    for (const [at, entry] of entries.entries()) {
      const text = texts[at]
      if (text === undefined) continue
      entry.state = JSON.parse(text) as JsonValue
      this.#remembered.resize(entry, text.length)
    }
  }

  #foldInto({ event, entry }: Target): void {
    const evolve = this.#projection.on[event.type]
    if (evolve === undefined) return
    const { id, type, position } = event
    try {
      entry.state = evolve(entry.state === undefined ? this.#projection.initial : entry.state, event)
    } catch (error) {
      throw new FoldError(event, error)
    }
    entry.event = { id, type, position }
    entry.used = this.#batch
    if (entry.changed) return
    entry.changed = true
    this.#changed.push(entry)
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
