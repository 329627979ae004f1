import { randomFrom } from '@holdfast/testing/random'

/** Keys that are open at one time: retries of one come while its first attempt runs, and long after. */
const openKeys = 200
const mostAttempts = 10

/**
 * Keys for requests that are each sent 1 to 10 times, mixed with others, until the time is over. The same seed gives the
 * same order.
 */
export function retryMix({
  prefix,
  untilMs,
  seed,
}: {
  readonly prefix: string
  readonly untilMs: number
  readonly seed: number
}): () => string | undefined {
  const random = randomFrom(seed)
  let keys = 0
  const open: { readonly key: string; left: number }[] = []
  return () => {
    if (performance.now() >= untilMs) return undefined
    while (open.length < openKeys)
      open.push({ key: `${prefix}-${keys++}`, left: 1 + Math.floor(random() * mostAttempts) })
    const index = Math.floor(random() * open.length)
    const chosen = open[index]
    if (chosen === undefined) return undefined
    if (--chosen.left === 0) {
      const last = open.pop()
      if (last !== undefined && last !== chosen) open[index] = last
    }
    return chosen.key
  }
}
