/** What `Prefer` (RFC 7240) asks of a command. */
export interface Preferences {
  /** Undefined when nothing was asked. */
  readonly waitMs: number | undefined
  /** Value of `Preference-Applied`; undefined when no preference was taken up. */
  readonly applied: string | undefined
}

const longestWaitSeconds = 60
const none: Preferences = { waitMs: undefined, applied: undefined }

/**
 * Reads `wait=<seconds>` (at most 60; more is cut to that) and `respond-async`. As RFC 7240 §2 orders, what is unknown or malformed
 * is ignored, and of a preference that stands twice the first counts. `respond-async` wins over `wait`.
 */
export function parsePrefer(header: string | undefined): Preferences {
  if (header === undefined) return none
  let seconds: number | undefined
  for (const part of splitUnquoted(header, ',')) {
    const [name = '', value = ''] = (splitUnquoted(part, ';')[0] ?? '').split('=', 2).map((text) => text.trim())
    const preference = name.toLowerCase()
    if (preference === 'respond-async' && /^(?:"")?$/.test(value)) return { waitMs: 0, applied: 'respond-async' }
    const digits = /^(?:(\d+)|"(\d+)")$/.exec(value)
    if (preference === 'wait' && digits) seconds ??= Math.min(Number(digits[1] ?? digits[2]), longestWaitSeconds)
  }
  return seconds === undefined ? none : { waitMs: seconds * 1000, applied: `wait=${seconds}` }
}

/** Splits where the separator is not inside a quoted string (RFC 9110, section 5.6.4). */
function splitUnquoted(text: string, separator: string): readonly string[] {
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') quoted = !quoted
    else if (quoted && character === '\\') at++
    else if (!quoted && character === separator) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...parts, text.slice(start)]
}
