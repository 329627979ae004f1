import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPartitionProgress } from './partition-progress.ts'

test('nothing can be committed before something came', () => {
  expect(createPartitionProgress().committable()).toBeUndefined()
  expect(createPartitionProgress().next).toBeUndefined()
})

test('only the contiguous finished prefix can be committed', () => {
  const progress = createPartitionProgress()
  for (const offset of [10n, 11n, 12n, 13n]) expect(progress.accept(offset)).toBe(true)
  expect(progress.committable()).toBe(10n)
  progress.finish(11n)
  progress.finish(13n)
  expect(progress.committable()).toBe(10n)
  progress.finish(10n)
  expect(progress.committable()).toBe(12n)
  progress.finish(12n)
  expect(progress.committable()).toBe(14n)
  expect(progress.open).toBe(0)
})

test('what was committed is not committed again', () => {
  const progress = createPartitionProgress()
  progress.accept(0n)
  progress.finish(0n)
  progress.committed(1n)
  expect(progress.committable()).toBeUndefined()
  progress.accept(1n)
  expect(progress.committable()).toBeUndefined()
  progress.finish(1n)
  expect(progress.committable()).toBe(2n)
})

test('an offset that comes again is refused, open or finished', () => {
  const progress = createPartitionProgress()
  progress.accept(5n)
  progress.accept(6n)
  progress.finish(6n)
  expect(progress.accept(5n)).toBe(false)
  expect(progress.accept(6n)).toBe(false)
  expect(progress.accept(7n)).toBe(true)
  expect(progress.open).toBe(2)
  expect(progress.next).toBe(8n)
})

test('gaps in the offsets are no obstacle', () => {
  const progress = createPartitionProgress()
  progress.accept(3n)
  progress.accept(9n)
  progress.finish(3n)
  expect(progress.committable()).toBe(9n)
})

test('for any order of finishing: never past an open offset, never short of the prefix', () => {
  const scenario = fc.integer({ min: 1, max: 60 }).chain((count) =>
    fc
      .shuffledSubarray(
        Array.from({ length: count }, (_, index) => BigInt(index)),
        { minLength: 0, maxLength: count },
      )
      .map((finishing) => ({ count, finishing })),
  )
  fc.assert(
    fc.property(scenario, ({ count, finishing }) => {
      const progress = createPartitionProgress()
      for (let offset = 0n; offset < count; offset++) progress.accept(offset)
      const finished = new Set<bigint>()
      for (const offset of finishing) {
        progress.finish(offset)
        finished.add(offset)
        let prefix = 0n
        while (finished.has(prefix)) prefix++
        expect(progress.committable()).toBe(prefix)
        expect(progress.open).toBe(count - finished.size)
      }
    }),
  )
})
