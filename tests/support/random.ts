/** A repeatable sequence of numbers, 0 ≤ n < 1, from a 32-bit seed (Tommy Ettinger's mulberry32, public domain). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Seed of the tests that use chance: `HOLDFAST_TEST_SEED`, or the same each time. Failures name it. */
export const testSeed = Number(process.env['HOLDFAST_TEST_SEED'] ?? 20_260_101)

/** Bytes without meaning. */
export function randomBytes(count: number, random: () => number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)))
}
