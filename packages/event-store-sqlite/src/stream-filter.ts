/** Says of most streams that do not exist that they do not: a new key needs no look into the database. */
export interface StreamFilter {
  /** A stream with this hash exists now, or will in a moment. */
  add(streamHash: number): void
  /** False: surely no stream has this hash. */
  mayHold(streamHash: number): boolean
}

/** 2^26 bits, 8 MiB: with a million streams one of 100,000 looks is in vain, with ten million one of 20. */
const bits = 2 ** 26
const probes = 4
const low = 2 ** 24

/**
 * A Bloom filter over the hashes of the streams. Those are parts of SHA-256, so that their bits can be used as they are
 * (Kirsch and Mitzenmacher, "Less Hashing, Same Performance": two hashes give all the others).
 */
export function createStreamFilter(): StreamFilter {
  const words = new Uint32Array(bits / 32)
  return {
    add(streamHash) {
      const step = stepOf(streamHash)
      let at = startOf(streamHash)
      for (let probe = 0; probe < probes; probe++, at = (at + step) % bits) {
        words[at >>> 5] = (words[at >>> 5] ?? 0) | (1 << (at & 31))
      }
    },
    mayHold(streamHash) {
      const step = stepOf(streamHash)
      let at = startOf(streamHash)
      for (let probe = 0; probe < probes; probe++, at = (at + step) % bits) {
        if (((words[at >>> 5] ?? 0) & (1 << (at & 31))) === 0) return false
      }
      return true
    },
  }
}

/** A signed number of 48 bits: see stream-hash.ts. */
const unsigned = (streamHash: number): number => streamHash + 2 ** 47
const startOf = (streamHash: number): number => Math.floor(unsigned(streamHash) / low) * 4 + (unsigned(streamHash) % 4)
const stepOf = (streamHash: number): number => (unsigned(streamHash) % low) * 2 + 1
