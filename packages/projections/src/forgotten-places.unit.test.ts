import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { ForgottenPlaces, placeHash } from './forgotten-places.ts'

// Bounds a hang; measures nothing.
vi.setConfig({ testTimeout: 60_000 })

const text = fc.string({ unit: 'binary' })
/** Of a document of one tenant. */
const hashOf = (id: string): number => placeHash('acme', id)

describe('forgotten places', () => {
  test('property: a place that was added is never denied', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 50 }), (places) => {
        const forgotten = new ForgottenPlaces()
        for (const [tenant, id] of places) forgotten.add(placeHash(tenant, id))
        return places.every(([tenant, id]) => forgotten.mayHave(placeHash(tenant, id)))
      }),
      { numRuns: 10 },
    )
  })

  test('of others few are taken for one of them', () => {
    const forgotten = new ForgottenPlaces()
    expect(forgotten.mayHave(hashOf('order-1'))).toBe(false)
    for (let at = 0; at < 200_000; at++) forgotten.add(hashOf(`order-${at}`))
    const others = [
      ...Array.from({ length: 10_000 }, (_, at) => hashOf(`order-${200_000 + at}`)),
      ...Array.from({ length: 10_000 }, () => hashOf(randomUUID())),
    ]
    expect(others.filter((hash) => forgotten.mayHave(hash)).length).toBeLessThan(20)
  })
})
