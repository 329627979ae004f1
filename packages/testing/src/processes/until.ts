export interface UntilOptions {
  /** What is waited for, for the message when it does not come: "the order is resolved". */
  readonly what: string
  /** Default 15,000. */
  readonly timeoutMs?: number
  /** Pause between two looks, milliseconds. Default 20. */
  readonly everyMs?: number
}

/**
 * Looks until `condition` gives something other than `undefined` or `false`, and returns that. An error that
 * `condition` throws ends the wait.
 *
 * @throws Error naming what did not come
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, timeoutMs = 15_000, everyMs = 20 }: UntilOptions,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>
    if (performance.now() >= deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
