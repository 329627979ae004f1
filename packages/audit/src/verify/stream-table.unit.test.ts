import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStreamTable, generationStatus } from './stream-table.ts'

describe('the table of streams', () => {
  it('knows each stream by itself, however many there are', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 3_000 }), fc.nat({ max: 1_000 })), { maxLength: 5_000 }), (steps) => {
        const table = createStreamTable()
        const model = new Map<string, number>()
        for (const [number, revision] of steps) {
          const stream =
            number % 2 === 0 ? `stream-${number}` : `command-${number.toString(16).padStart(16, '0').padEnd(64, 'a')}`
          const place = table.place(stream)
          expect(table.nextRevision(place)).toBe(model.get(stream) ?? 0)
          table.setNextRevision(place, revision)
          table.setGeneration(place, number, generationStatus.released)
          expect([table.generation(place), table.status(place)]).toEqual([number, generationStatus.released])
          model.set(stream, revision)
        }
        expect(table.streams).toBe(model.size)
        for (const [stream, revision] of model) expect(table.nextRevision(table.place(stream))).toBe(revision)
      }),
      { numRuns: 20 },
    )
  })
})
