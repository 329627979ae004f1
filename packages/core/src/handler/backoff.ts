/** Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): anywhere up to the bound, but never at once. */
export function jittered(boundMs: number, random: () => number = Math.random): number {
  return Math.ceil(1 + random() * boundMs)
}
