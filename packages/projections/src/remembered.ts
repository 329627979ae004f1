import type { JsonValue, RecordedEvent } from '@holdfast/core'
import { ForgottenPlaces, placeHash } from './forgotten-places.ts'

/** Which event it is. */
export type FoldedEvent = Pick<RecordedEvent, 'id' | 'type' | 'position'>

/** A document in memory. */
export interface Entry {
  readonly tenant: string
  readonly id: string
  readonly hash: number
  state: JsonValue | undefined
  changed: boolean
  /** Last event that changed it. Not the event itself: it may be large, and there are many entries. */
  event: FoldedEvent | undefined
  /** Length of its text when it was loaded or taken. */
  size: number
  /** Batch that used it last. */
  used: number
}

export interface RememberedLimits {
  readonly maxRemembered: number
  /** Of the length of their texts. */
  readonly maxRememberedCharacters: number
}

/** The documents that a fold has in memory. */
export class Remembered {
  /** By tenant, then by id: a text that joins both would have to be made, and hashed, for each event. */
  readonly #tenants = new Map<string, Map<string, Entry>>()
  readonly #forgotten: ForgottenPlaces | undefined
  /** All of them, in the order in which they are forgotten. */
  #queue: Entry[] = []
  #characters = 0

  /** `fromNothing`: what was never in it is nowhere else. */
  constructor(fromNothing: boolean) {
    this.#forgotten = fromNothing ? new ForgottenPlaces() : undefined
  }

  get(tenant: string, id: string): Entry | undefined {
    return this.#tenants.get(tenant)?.get(id)
  }

  /** A document that is not in it yet. `elsewhere`: it may stand where it is kept. */
  add(tenant: string, id: string, used: number): { readonly entry: Entry; readonly elsewhere: boolean } {
    const forgotten = this.#forgotten
    const hash = forgotten === undefined ? 0 : placeHash(tenant, id)
    const entry: Entry = { tenant, id, hash, state: undefined, changed: false, event: undefined, size: 0, used }
    const entries = this.#tenants.get(tenant) ?? new Map<string, Entry>()
    if (entries.size === 0) this.#tenants.set(tenant, entries)
    entries.set(id, entry)
    this.#queue.push(entry)
    return { entry, elsewhere: forgotten?.mayHave(hash) !== false }
  }

  resize(entry: Entry, size: number): void {
    this.#characters += size - entry.size
    entry.size = size
  }

  /** Forgets what has been in it for the longest time, except what was changed, or used by this batch. */
  trim(batch: number, { maxRemembered, maxRememberedCharacters }: RememberedLimits): void {
    const queue = this.#queue
    const kept: Entry[] = []
    let at = 0
    for (; at < queue.length; at++) {
      if (queue.length - at + kept.length <= maxRemembered && this.#characters <= maxRememberedCharacters) break
      const entry = queue[at]
      if (entry === undefined) break
      if (entry.changed || entry.used === batch) kept.push(entry)
      else this.#forget(entry)
    }
    if (at > 0) this.#queue = [...kept, ...queue.slice(at)]
  }

  #forget(entry: Entry): void {
    this.resize(entry, 0)
    const entries = this.#tenants.get(entry.tenant)
    entries?.delete(entry.id)
    if (entries?.size === 0) this.#tenants.delete(entry.tenant)
    this.#forgotten?.add(entry.hash)
  }
}
