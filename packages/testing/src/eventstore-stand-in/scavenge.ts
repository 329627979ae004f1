import type { StreamState } from './stream-state.ts'
import { firstVisible, isExpired } from './stream-state.ts'

/**
 * What a scavenge may remove, per stream: everything hidden by `$maxAge`, `$maxCount`, `$tb` or a deletion, but never
 * a stream's last event. Hence a stream, once written, never becomes a missing stream again.
 */
export function scavengeable(streams: Iterable<StreamState>, nowMs: number): { stream: string; below: number }[] {
  const marks: { stream: string; below: number }[] = []
  for (const stream of streams) {
    const { entries, indexedMetadata: metadata } = stream
    const last = entries.length - 1
    if (last < 0) continue
    let below = stream.tombstone ? last + 1 : Math.min(last, firstVisible(metadata, last))
    for (
      let entry = entries[below];
      entry && below < last && isExpired(entry, metadata, nowMs);
      entry = entries[below]
    ) {
      below += 1
    }
    if (entries[below - 1]?.scavenged === false) marks.push({ stream: stream.name, below })
  }
  return marks
}
