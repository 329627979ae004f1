import { createStreamTable } from './stream-table.ts'

/** The results that were found where they are published, by their ids: 16 to 48 bytes each. */
export interface PublishedResults {
  readonly count: number
  add(id: string): void
  has(id: string): boolean
  /** Results that were completed from here on, and before `untilMs`, have to be there; milliseconds since the epoch. */
  readonly sinceMs: number
  readonly untilMs: number
}

/** Ids are known by 64 bits of their hash, as streams are. */
export function createPublishedResults(window: Pick<PublishedResults, 'sinceMs' | 'untilMs'>): PublishedResults {
  const table = createStreamTable()
  let count = 0
  return {
    ...window,
    get count() {
      return count
    },
    add: (id) => {
      const place = table.place(id)
      if (table.nextRevision(place) === 0) count += 1
      table.setNextRevision(place, 1)
    },
    has: (id) => table.nextRevision(table.place(id)) > 0,
  }
}
