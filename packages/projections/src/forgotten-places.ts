/** 4 MiB, and four bits for each place: of so many, one place in five hundred is taken for one that was forgotten. */
const bits = 2 ** 25
const probes = 4
const maxPlaces = 4_000_000

/**
 * Tells documents that a fold has forgotten from those that it never had: only the former can stand in a read store that
 * was empty when the fold began. Takes the hashes of their places. Never wrong about a place that was added; about others,
 * now and then. Bounded: beyond four million places it answers that it may have had each.
 */
export class ForgottenPlaces {
  #words: Uint32Array | undefined
  #added = 0

  add(hash: number): void {
    this.#words ??= new Uint32Array(bits / 32)
    this.#added += 1
    let bit = hash
    const step = stepOf(hash)
    for (let probe = 0; probe < probes; probe++, bit += step) {
      const at = (bit & (bits - 1)) >>> 5
      this.#words[at] = (this.#words[at] ?? 0) | (1 << (bit & 31))
    }
  }

  /** False: surely it was never added. */
  mayHave(hash: number): boolean {
    if (this.#words === undefined) return false
    if (this.#added > maxPlaces) return true
    let bit = hash
    const step = stepOf(hash)
    for (let probe = 0; probe < probes; probe++, bit += step)
      if (((this.#words[(bit & (bits - 1)) >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false
    return true
  }
}

/** FNV-1a over the UTF-16 code units of tenant, NUL and id, with its last bits mixed into all. A whole number of 32 bits. */
export function placeHash(tenant: string, id: string): number {
  // The tenant's code units, and that of NUL.
  let hash = Math.imul(hashOn(0x811c9dc5, tenant), 0x01000193)
  hash = hashOn(hash, id)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}

function hashOn(begun: number, text: string): number {
  let hash = begun
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}

/** Odd, so that the probes of one place differ. */
const stepOf = (hash: number): number => (Math.imul(hash, 0xc2b2ae35) >>> 7) | 1
