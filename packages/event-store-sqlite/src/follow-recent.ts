import type { Prepare } from './query.ts'
import { RecentEvents } from './recent-events.ts'

/** What a connection knows of the events that are not in the index yet. */
export interface FollowedRecent {
  readonly recent: RecentEvents
  /** Takes up what was committed since, however it came into the file. */
  readonly catchUp: () => void
}

export function followRecent(prepare: Prepare): FollowedRecent {
  const readEnds = prepare('SELECT (SELECT max(position) FROM events), (SELECT position FROM indexed)')
  const readBetween = prepare('SELECT position, stream_hash, revision FROM events WHERE position > ? ORDER BY position')
  const recent = new RecentEvents()
  return {
    recent,
    catchUp() {
      const ends = readEnds.get()
      recent.forget(Number(ends?.[1]))
      if (Number(ends?.[0]) <= recent.end) return
      for (const [position, hash, revision] of readBetween.iterate(recent.end)) {
        recent.add({ position: Number(position), hash: Number(hash), revision: Number(revision) })
      }
    },
  }
}
