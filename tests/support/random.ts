export { randomFrom } from '@holdfast/testing/random'

/** Seed of the tests that use chance: `HOLDFAST_TEST_SEED`, or the same each time. Failures name it. */
export const testSeed = Number(process.env['HOLDFAST_TEST_SEED'] ?? 20_260_101)

/** Bytes without meaning. */
export function randomBytes(count: number, random: () => number): Buffer {
  return Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)))
}
