import { randomInt } from 'node:crypto'

/** Events in a run. A longer one would touch fewer pages of the index for each event, and take more memory and a longer start. */
export const runLength = 16_384

const slots = 2 * runLength
const slotMask = slots - 1
/** Of a hash's 32 bits, those behind the topmost that number a slot. */
const slotShift = 32 - Math.log2(slots)
/** Odd. Callers choose the keys: nobody may know which of them come to lie side by side. */
const salt = randomInt(2 ** 31) * 2 + 1

export interface RecentEvent {
  readonly position: number
  /** Of its stream: see stream-hash.ts. */
  readonly hash: number
  readonly revision: number
}

/** The events at some positions in a row, by the hashes of their streams; 352 KiB. */
export class Run {
  /** The last position that it takes. */
  readonly end: number
  readonly #first: number
  /** By offset from the first position; NaN where no event is. */
  readonly #hashes = new Float64Array(runLength).fill(Number.NaN)
  /** By offset; NaN where the event was removed. */
  readonly #revisions = new Float64Array(runLength)
  /** Open addressing: 1 + the offset of the last event with it; 0 where none is. */
  readonly #slots = new Uint16Array(slots)
  /** By offset: 1 + the offset of the event before it with the same hash; 0 for none. */
  readonly #earlier = new Uint16Array(runLength)

  /** The run that this position belongs to: they begin at multiples of their length, whoever makes them. */
  constructor(position: number) {
    const number = Math.floor((position - 1) / runLength)
    this.#first = number * runLength + 1
    this.end = (number + 1) * runLength
  }

  add({ position, hash, revision }: RecentEvent): void {
    const offset = position - this.#first
    const slot = this.#slotOf(hash)
    this.#hashes[offset] = hash
    this.#revisions[offset] = revision
    this.#earlier[offset] = this.#slots[slot] ?? 0
    this.#slots[slot] = offset + 1
  }

  /** The events with this hash that were not removed, the last one first. */
  *eventsOf(hash: number): Generator<RecentEvent, undefined> {
    let offset = (this.#slots[this.#slotOf(hash)] ?? 0) - 1
    while (offset >= 0) {
      const revision = this.#revisions[offset] ?? Number.NaN
      if (!Number.isNaN(revision)) yield { position: this.#first + offset, hash, revision }
      offset = (this.#earlier[offset] ?? 0) - 1
    }
  }

  holds(position: number): boolean {
    return position >= this.#first && position <= this.end
  }

  remove(position: number): void {
    this.#revisions[position - this.#first] = Number.NaN
  }

  /** Forgets the events behind this position. */
  dropAfter(position: number): void {
    const kept = this.#hashes.slice(0, Math.max(0, position - this.#first + 1))
    this.#hashes.fill(Number.NaN)
    this.#slots.fill(0)
    for (const [offset, hash] of kept.entries()) {
      const revision = this.#revisions[offset] ?? Number.NaN
      if (!Number.isNaN(hash)) this.add({ position: this.#first + offset, hash, revision })
    }
  }

  /** Its hashes, ascending, each once. */
  sortedHashes(): Float64Array {
    // Sorted by V8 itself, which puts NaN last: a comparator in JavaScript would take ten times as long.
    const sorted = this.#hashes.slice().sort()
    return sorted.filter((hash, at) => !Number.isNaN(hash) && hash !== sorted[at - 1])
  }

  #slotOf(hash: number): number {
    let slot = Math.imul(hash | 0, salt) >>> slotShift
    for (;;) {
      const taken = this.#slots[slot] ?? 0
      if (taken === 0 || this.#hashes[taken - 1] === hash) return slot
      slot = (slot + 1) & slotMask
    }
  }
}

/** The events that the index of streams does not hold yet, in memory: see README, "The index of streams". */
export class RecentEvents {
  /** The oldest first. */
  readonly #runs: Run[] = []
  #end = 0

  /** Position up to which all events are known, here or in the index. */
  get end(): number {
    return this.#end
  }

  /** The oldest run once it is full: it changes no more. */
  get full(): Run | undefined {
    const [oldest] = this.#runs
    return oldest !== undefined && oldest.end <= this.#end ? oldest : undefined
  }

  /** @throws RangeError unless its position is behind {@link end} */
  add(event: RecentEvent): void {
    // Added twice, it would be the one before itself.
    if (event.position <= this.#end) throw new RangeError(`${event.position} is not behind ${this.#end}`)
    let run = this.#runs.at(-1)
    if (run === undefined || event.position > run.end) {
      run = new Run(event.position)
      this.#runs.push(run)
    }
    run.add(event)
    this.#end = event.position
  }

  remove(position: number): void {
    this.#runs.find((run) => run.holds(position))?.remove(position)
  }

  /** The events whose streams have this hash, the last one first. */
  *eventsOf(hash: number): Generator<RecentEvent, undefined> {
    for (let at = this.#runs.length - 1; at >= 0; at--) yield* this.#runs[at]?.eventsOf(hash) ?? []
  }

  /** The index holds all up to here. What is kept are always all events from some position on: none is missing between them. */
  forget(upTo: number): void {
    const kept = upTo >= this.#end ? [] : this.#runs.filter((run) => run.end > upTo)
    this.#runs.splice(0, this.#runs.length, ...kept)
    this.#end = Math.max(this.#end, upTo)
  }

  /** The events behind this position were not written after all. */
  dropAfter(position: number): void {
    this.#end = Math.min(this.#end, position)
    while (this.#runs.length > 0 && (this.#runs.at(-1)?.end ?? 0) - runLength >= position) this.#runs.pop()
    this.#runs.at(-1)?.dropAfter(position)
  }
}
