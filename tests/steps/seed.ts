import { randomFrom } from '../support/random.ts'

/** `HOLDFAST_SEED=<n>` replays a run; without it each run has a seed of its own, which a failure names. */
export const seed = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** `HOLDFAST_RANDOM_ORDERS` for longer runs. */
export const ordersOfARun = (usual: number): number => Number(process.env['HOLDFAST_RANDOM_ORDERS'] ?? usual)

/** Far beyond what it takes; then something hangs. */
export const randomRunTimeoutMs = (orders: number): number => 180_000 + orders * 500

/** Chances of its own for each purpose, so that a replay meets the same ones whatever the timing. */
export const chances = (purpose: number): (() => number) => randomFrom((seed ^ (purpose * 0x9e3779b1)) >>> 0)

export const pick = <T>(random: () => number, list: readonly [T, ...T[]]): T =>
  list[Math.floor(random() * list.length)] ?? list[0]

/** @throws RangeError for an empty list */
export function pickOf<T>(random: () => number, list: readonly T[]): T {
  const [first, ...others] = list
  if (first === undefined) throw new RangeError('nothing to pick from')
  return pick(random, [first, ...others])
}
