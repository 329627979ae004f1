import { hash } from 'node:crypto'
import { commandIdOfStream } from '@holdfast/core'

/** Where the generation of a key's stream stands. */
export const generationStatus = { none: 0, open: 1, resolved: 2, released: 3 } as const
export type GenerationStatus = (typeof generationStatus)[keyof typeof generationStatus]

/**
 * What is known of each stream while the events go by: 16 bytes each in flat arrays, which double when they are two
 * thirds full, so that a million streams take 32 MB. Streams are known by 64 bits of their name's hash; two that share
 * them look like one, which {@link verifyHistory} clears up before it reports anything.
 */
export interface StreamTable {
  readonly streams: number
  /** The place of a stream; entered when it is new. Valid until the next call. */
  place(stream: string): number
  /** The revision that comes next: 0 for a stream that was not seen. */
  nextRevision(place: number): number
  setNextRevision(place: number, revision: number): void
  generation(place: number): number
  status(place: number): GenerationStatus
  setGeneration(place: number, generation: number, status: GenerationStatus): void
}

const columns = 4
const [high, low, next, state] = [0, 1, 2, 3]
const statusBits = 4
/** Marks a place as taken, also while the next revision is 0. */
const takenBit = 2 ** 31

export function createStreamTable(): StreamTable {
  let capacity = 1024
  let cells = new Uint32Array(capacity * columns)
  let streams = 0

  const at = (place: number, column: number): number => cells[place * columns + column] ?? 0
  const set = (place: number, column: number, value: number): void => {
    cells[place * columns + column] = value
  }

  /** The place of these bits, or the free one where they belong. */
  function find(a: number, b: number): number {
    let place = (b ^ a) >>> 0
    for (place &= capacity - 1; at(place, next) !== 0; place = (place + 1) & (capacity - 1)) {
      if (at(place, high) === a && at(place, low) === b) return place
    }
    return place
  }

  function grow(): void {
    const [old, count] = [cells, capacity]
    capacity *= 2
    cells = new Uint32Array(capacity * columns)
    for (let place = 0; place < count; place++) {
      const from = place * columns
      if (old[from + next] === 0) continue
      const to = find(old[from + high] ?? 0, old[from + low] ?? 0) * columns
      cells.set(old.subarray(from, from + columns), to)
    }
  }

  return {
    get streams() {
      return streams
    },
    place: (stream) => {
      const bits = commandIdOfStream(stream) ?? hash('sha256', stream, 'hex')
      const [a, b] = [Number.parseInt(bits.slice(0, 8), 16), Number.parseInt(bits.slice(8, 16), 16)]
      let place = find(a, b)
      if (at(place, next) !== 0) return place
      if (streams * 3 > capacity * 2) {
        grow()
        place = find(a, b)
      }
      streams += 1
      set(place, high, a)
      set(place, low, b)
      set(place, next, takenBit)
      return place
    },
    nextRevision: (place) => at(place, next) % takenBit,
    setNextRevision: (place, revision) => {
      set(place, next, (revision % takenBit) + takenBit)
    },
    generation: (place) => Math.floor(at(place, state) / statusBits),
    status: (place) => (at(place, state) % statusBits) as GenerationStatus,
    setGeneration: (place, generation, status) => {
      set(place, state, generation * statusBits + status)
    },
  }
}
