import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { ForgottenPlaces } from './forgotten-places.ts'

// Bounds a hang; measures nothing.
vi.setConfig({ testTimeout: 60_000 })

describe('forgotten places', () => {
  test('property: a place that was added is never denied', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 50 }), (places) => {
        const forgotten = new ForgottenPlaces()
        for (const place of places) forgotten.add(place)
        return places.every((place) => forgotten.mayHave(place))
      }),
      { numRuns: 10 },
    )
  })

  test('of others few are taken for one of them', () => {
    const forgotten = new ForgottenPlaces()
    expect(forgotten.mayHave('acme\0order-1')).toBe(false)
    for (let at = 0; at < 200_000; at++) forgotten.add(`acme\0order-${at}`)
    const others = [
      ...Array.from({ length: 10_000 }, (_, at) => `acme\0order-${200_000 + at}`),
      ...Array.from({ length: 10_000 }, () => `acme\0${randomUUID()}`),
    ]
    expect(others.filter((place) => forgotten.mayHave(place)).length).toBeLessThan(20)
  })
})
