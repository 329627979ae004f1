/**
 * The connection string as this adapter needs it: `throwOnAppendFailure` is true, whatever was given. With false the
 * client answers a conflict with a wrong `nextExpectedRevision`.
 */
export function withThrowOnAppendFailure(connectionString: string): string {
  const [address = '', query = ''] = connectionString.split(/\?(.*)/s)
  const kept = query
    .split('&')
    .filter((pair) => pair !== '' && flatCase(pair.split('=')[0] ?? '') !== 'throwonappendfailure')
  return `${address}?${[...kept, 'throwOnAppendFailure=true'].join('&')}`
}

/** The client reads option names without regard to case, `-` and `_`. */
const flatCase = (text: string): string => text.trim().toLowerCase().replaceAll(/[_-]/g, '')
