/** What a child needs of the parent's environment; no `HOLDFAST_*` and nothing of the test runner gets through. */
const inherited = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG'] as const

export function childEnvironment(own: Readonly<Record<string, string>> = {}): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const name of inherited) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  return { ...environment, ...own }
}
