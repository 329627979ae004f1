import { describe, expect, test } from 'vitest'
import { RecentEvents, runLength } from './recent-events.ts'
import type { RecentEvent } from './recent-events.ts'
import { streamHash } from './stream-hash.ts'

/** Events of streams of which each third writes again and again. */
function eventsAt(first: number, count: number): RecentEvent[] {
  const revisions = new Map<number, number>()
  return Array.from({ length: count }, (_, n) => {
    const hash = streamHash(n % 3 === 0 ? `often-${n % 7}` : `once-${first + n}`)
    const revision = revisions.get(hash) ?? 0
    revisions.set(hash, revision + 1)
    return { position: first + n, hash, revision }
  })
}

const filled = (events: readonly RecentEvent[]): RecentEvents => {
  const recent = new RecentEvents()
  for (const event of events) recent.add(event)
  return recent
}

/** What a walk over all of them finds, the last one first. */
const byWalk = (events: readonly RecentEvent[], hash: number): RecentEvent[] =>
  events.filter((event) => event.hash === hash).reverse()

function expectSame(recent: RecentEvents, events: readonly RecentEvent[]): void {
  const byHash = Map.groupBy(events, ({ hash }) => hash)
  for (const [hash, own] of byHash) expect([...recent.eventsOf(hash)]).toEqual(own.toReversed())
  expect([...recent.eventsOf(streamHash('none'))]).toEqual([])
}

describe('events that the index does not hold yet', () => {
  test('are found by the hash of their stream, over several runs, from any position on', () => {
    const events = eventsAt(runLength - 100, 2 * runLength)
    const recent = filled(events)
    expectSame(recent, events)
    expect(recent.end).toBe(events.at(-1)?.position)
  })

  test('may have gaps between them', () => {
    const events = eventsAt(1, 3 * runLength).filter(({ position }) => position % 5 !== 0)
    expectSame(filled(events), events)
  })

  test('of hashes with the same low bits are kept apart', () => {
    const hashes = Array.from({ length: 50 }, (_, n) => (n - 25) * 2 ** 20)
    const events = hashes.map((hash, n) => ({ position: n + 1, hash, revision: 0 }))
    expectSame(filled(events), events)
  })

  test('are forgotten by whole runs', () => {
    const events = eventsAt(1, 2 * runLength + 10)
    const recent = filled(events)
    expect(recent.full?.end).toBe(runLength)
    expect(() => recent.add({ position: recent.end, hash: 1, revision: 0 })).toThrow(RangeError)
    recent.forget(runLength - 1)
    expectSame(recent, events)
    recent.forget(runLength)
    const hash = streamHash('often-0')
    expect([...recent.eventsOf(hash)]).toEqual(byWalk(events.slice(runLength), hash))
    recent.forget(2 * runLength)
    // The last one is not full yet.
    expect(recent.full).toBeUndefined()
    // All that is here is in the index, and more: nothing may be missing between what is kept.
    recent.forget(3 * runLength - 5)
    expect([[...recent.eventsOf(hash)], recent.end]).toEqual([[], 3 * runLength - 5])
  })

  test.each([runLength + 5, runLength, runLength - 1, 5, 0])(
    'that were not written after all go: those behind %i',
    (kept) => {
      const events = eventsAt(1, 2 * runLength + 10)
      const recent = filled(events)
      recent.dropAfter(kept)
      expect(recent.end).toBe(kept)
      expectSame(recent, events.slice(0, kept))
      expect([...recent.eventsOf(events[kept]?.hash ?? 0)].every(({ position }) => position <= kept)).toBe(true)
      const again = eventsAt(kept + 1, 1_000).map((event) => ({ ...event, revision: event.revision + 9_999 }))
      for (const event of again) recent.add(event)
      expectSame(recent, [...events.slice(0, kept), ...again])
    },
  )

  test('that were removed are not found, nor do they come into the index', () => {
    const events = eventsAt(1, runLength)
    const recent = filled(events)
    const [removed] = events
    recent.remove(1)
    recent.remove(-3)
    expectSame(recent, events.slice(1))
    expect([...(recent.full?.eventsOf(removed?.hash ?? 0) ?? [])].some(({ position }) => position === 1)).toBe(false)
  })

  test('of a full run come in the order of their hashes, each hash once', () => {
    const events = eventsAt(1, runLength)
    const hashes = [...(filled(events).full?.sortedHashes() ?? [])]
    expect(hashes).toEqual([...new Set(events.map(({ hash }) => hash))].sort((a, b) => a - b))
  })
})
