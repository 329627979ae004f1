import type { RecordedEvent } from '@holdfast/core'

/**
 * A moment in the history. By position: after all events up to it. By time: before the first event that was recorded later
 * (by the store's clock; where that has gone backwards, what stands behind such an event is not looked at).
 */
export type Moment = { readonly position: bigint } | { readonly timeMs: number }

/** True when the event, and all behind it, belong to the time after. */
export function isAfter(event: RecordedEvent, moment: Moment): boolean {
  return 'position' in moment ? event.position > moment.position : event.recordedAtMs > moment.timeMs
}

/** Positions have 63 bits. */
const largestPosition = 2n ** 63n - 1n

/** RFC 3339, section 5.6; `Date` alone would take much else. */
const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/

/** Reads a position: a whole number from 0; undefined when it is none. */
export function parsePosition(text: string): bigint | undefined {
  if (!/^\d{1,19}$/.test(text)) return undefined
  const position = BigInt(text)
  return position <= largestPosition ? position : undefined
}

/** Reads a moment, `1234` or `2026-01-31T12:00:00Z`; undefined when it is neither. Times count in milliseconds. */
export function parseMoment(text: string): Moment | undefined {
  const position = parsePosition(text)
  if (position !== undefined) return { position }
  const parts = rfc3339.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = parts
  // A leap second is the last moment of its minute.
  const seconds = second === '60' ? '59.999' : `${second}${fraction.slice(0, 4)}`
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${seconds}${zone.toUpperCase()}`)
  if (
    Number.isNaN(timeMs) ||
    new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day)
  )
    return undefined
  return { timeMs }
}
