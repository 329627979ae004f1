/** What `Prefer` (RFC 7240) asks of a command. */
export interface Preferences {
  /** Undefined when nothing was asked. */
  readonly waitMs: number | undefined
  /** Value of `Preference-Applied`; undefined when no preference was taken up. */
  readonly applied: string | undefined
}

export const longestWaitSeconds = 60
const none: Preferences = { waitMs: undefined, applied: undefined }

/**
 * Reads `wait=<seconds>` (at most 60; more is cut to that) and `respond-async`. As RFC 7240 §2 orders, what is unknown or malformed
 * is ignored, and of a preference that stands twice the first counts. `respond-async` wins over `wait`.
 */
export function parsePrefer(header: string | undefined): Preferences {
  if (header === undefined) return none
  let seconds: number | undefined
  for (const part of header.split(',')) {
    const [name = '', value = ''] = (part.split(';')[0] ?? '').split('=', 2).map((text) => text.trim())
    const preference = name.toLowerCase()
    if (preference === 'respond-async') return { waitMs: 0, applied: 'respond-async' }
    const digits = /^"?(\d{1,9})"?$/.exec(value)?.[1]
    if (preference === 'wait' && digits !== undefined) seconds ??= Math.min(Number(digits), longestWaitSeconds)
  }
  return seconds === undefined ? none : { waitMs: seconds * 1000, applied: `wait=${seconds}` }
}
