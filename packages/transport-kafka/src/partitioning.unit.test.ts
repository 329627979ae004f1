import fc from 'fast-check'
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { murmur2, partitionOf } from './partitioning.ts'

// From the Java client's own test, UtilsTest.testMurmur2.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
])('murmur2 of %s is what the Java client says', (text, expected) => {
  expect(murmur2(Buffer.from(text))).toBe(expected)
})

test('keys go where the default partitioner of KafkaJS would send them', () => {
  const partitioner = kafkajs.Partitioners.DefaultPartitioner()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 90 }), fc.integer({ min: 1, max: 64 }), (bytes, count) => {
      const key = Buffer.from(bytes)
      const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
        partitionErrorCode: 0,
        partitionId,
        leader: 1,
        replicas: [1],
        isr: [1],
      }))
      const theirs = partitioner({ topic: 't', partitionMetadata, message: { key, value: null } })
      expect(partitionOf(key, count)).toBe(theirs)
    }),
  )
})
