import type { Database } from './database.ts'
import type { Entry } from './stream-state.ts'

/** Sequence number of the first entry that stands at `position` or after it. */
export function sequenceFrom(log: readonly Entry[], position: number): number {
  let low = 0
  let high = log.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((log[middle]?.position ?? Infinity) < position) low = middle + 1
    else high = middle
  }
  return low
}

/** Like the server, `$all` is read only from where a record begins or ends, or from beyond the end of the log. */
export function isReadable(database: Database, position: number): boolean {
  const next = sequenceFrom(database.log, position)
  const entry = database.log[next]
  if (position === 0 || entry?.position === position) return true
  const before = database.log[next - 1]
  return before === undefined ? false : before.end === position || (entry === undefined && position > before.end)
}
