/** Says of most streams that do not exist that they do not: a new key needs no look into the database. */
export interface StreamFilter {
  /** A stream with this hash exists now, or will in a moment. */
  add(streamHash: number): void
  /** False: surely no stream has this hash. */
  mayHold(streamHash: number): boolean
}

/** 2^17 blocks of 512 bits, 8 MiB: with a million streams one of 50,000 looks is in vain, with ten million one of 24. */
const blocks = 2 ** 17
/** Each in a part of its own, of 128 bits, with 7 bits of the hash. */
const probes = 4
const wordsOfAPart = 128 / 32
const wordsOfABlock = probes * wordsOfAPart
/** What is left of a hash beside the number of its block. */
const low = 2 ** 31

/**
 * A Bloom filter over the hashes of the streams. All bits of one stand in the same block, which is a line of the processor's cache:
 * anywhere else, each would be a wait for the memory (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient
 * Bloom Filters"). The hashes are parts of SHA-256, so that their bits can be used as they are.
 */
export function createStreamFilter(): StreamFilter {
  const words = new Uint32Array(blocks * wordsOfABlock)
  return {
    add(streamHash) {
      let at = blockOf(streamHash)
      for (let bits = bitsOf(streamHash), probe = 0; probe < probes; probe++, at += wordsOfAPart, bits >>>= 7) {
        const word = at + ((bits & 127) >>> 5)
        words[word] = (words[word] ?? 0) | (1 << (bits & 31))
      }
    },
    mayHold(streamHash) {
      let at = blockOf(streamHash)
      for (let bits = bitsOf(streamHash), probe = 0; probe < probes; probe++, at += wordsOfAPart, bits >>>= 7) {
        if (((words[at + ((bits & 127) >>> 5)] ?? 0) & (1 << (bits & 31))) === 0) return false
      }
      return true
    },
  }
}

/** A signed number of 48 bits: see stream-hash.ts. */
const unsigned = (streamHash: number): number => streamHash + 2 ** 47
/** Its first word. */
const blockOf = (streamHash: number): number => Math.floor(unsigned(streamHash) / low) * wordsOfABlock
const bitsOf = (streamHash: number): number => unsigned(streamHash) % low
