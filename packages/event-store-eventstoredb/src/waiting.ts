/** A pause that grows: doubled from `firstMs` at each failure, at most `maxMs`, and between half and all of it at random. */
export function backOffMs(failures: number, bounds: { readonly firstMs: number; readonly maxMs: number }): number {
  const full = Math.min(bounds.maxMs, bounds.firstMs * 2 ** Math.min(failures, 20))
  return full * (0.5 + Math.random() / 2)
}

/** Resolves after `ms`, or at once when the signal fires. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal?.addEventListener('abort', finish)
  })
}

export const timedOut = Symbol('timed out')

/**
 * What `work` gives, or {@link timedOut} after `ms`. The work goes on; if it fails later, that is nobody's unhandled
 * rejection, for the race has subscribed to it.
 */
export async function withinMs<T>(work: Promise<T>, ms: number): Promise<T | typeof timedOut> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<typeof timedOut>((resolve) => {
    timer = setTimeout(() => {
      resolve(timedOut)
    }, ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
