/** Prints what a test has measured: a line for whoever reads the run, no assertion. */
export function report(what: string, measured: Readonly<Record<string, string | number>>): void {
  const parts = Object.entries(measured).map(([name, value]) => `${name} ${value}`)
  process.stdout.write(`\n  ${what}: ${parts.join(', ')}\n`)
}

/** Milliseconds since a moment of `performance.now()`, as text. */
export const since = (startedAt: number): string => `${Math.round(performance.now() - startedAt)} ms`
