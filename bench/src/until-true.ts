import { setTimeout as pause } from 'node:timers/promises'

/** Asks again and again. @throws Error when it is not true in time */
export async function untilTrue(
  isTrue: () => Promise<boolean> | boolean,
  what: string,
  patienceMs: number,
): Promise<void> {
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await pause(50))
    if (await isTrue()) return
  throw new Error(`gave up waiting: ${what}`)
}
