import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { speedUpEncoder } from './kafkajs-encoder.ts'

interface Encoder {
  readonly buffer: Buffer
  writeVarInt(value: number): Encoder
  writeUVarInt(value: number): Encoder
  writeVarLong(value: number | bigint): Encoder
  writeInt32(value: number): Encoder
  writeInt64(value: number | bigint): Encoder
  writeString(value: string | null): Encoder
  writeBytes(value: Buffer | null): Encoder
  writeEncoder(value: Encoder): Encoder
}

interface RecordFields {
  readonly offsetDelta: number
  readonly timestampDelta: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Record<string, string | Buffer>
}

const require = createRequire(import.meta.url)
const Encoder = require('kafkajs/src/protocol/encoder.js') as (new () => Encoder) & {
  sizeOfVarLong(value: number | bigint): number
}
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (fields: RecordFields) => Encoder

const bytes = fc.uint8Array({ maxLength: 9000 }).map((array) => Buffer.from(array))
const uint32 = fc.nat(0xffff_ffff)
const int32 = fc.integer()
const long = fc.oneof(fc.nat(5_000_000_000), fc.integer(), fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n - 1n }))

const records = fc.record({
  offsetDelta: fc.nat(),
  timestampDelta: fc.nat(),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(fc.string(), bytes), { maxKeys: 12 }),
})

/** What KafkaJS writes for each of the samples, in one encoder each, in one within another, and all in one. */
function encoded() {
  const sample = <T>(arbitrary: fc.Arbitrary<T>) => fc.sample(arbitrary, { numRuns: 300, seed: 7 })
  const one = (write: (encoder: Encoder) => Encoder) => write(new Encoder()).buffer.toString('hex')
  const edges = [0, 1, 63, 64, 127, 128, 2 ** 14 - 1, 2 ** 29, 2 ** 30 - 1, 2 ** 30, 2 ** 31 - 1]
  const longs = [...edges, 2 ** 31, 2 ** 40, -1, -(2 ** 30), ...sample(long)]
  const all = new Encoder()
  return {
    varInts: [...edges, -1, -64, -65, ...sample(int32)].map((value) => one((to) => to.writeVarInt(value))),
    uVarInts: [...edges, 2 ** 32 - 1, ...sample(uint32)].map((value) => one((to) => to.writeUVarInt(value))),
    varLongs: longs.map((value) => one((to) => to.writeVarLong(value))),
    sizes: longs.map((value) => Encoder.sizeOfVarLong(value)),
    byteArrays: sample(fc.option(bytes)).map((value) => one((to) => to.writeBytes(value))),
    strings: sample(fc.string({ unit: 'binary' })).map((value) =>
      one((to) => to.writeString(value).writeInt64(value.length)),
    ),
    records: sample(records).map((fields) => {
      const record = encodeRecord(fields)
      all.writeEncoder(record)
      return one((to) => to.writeInt32(1).writeEncoder(record))
    }),
    all: all.buffer.toString('hex'),
    // Around the sizes at which the room grows.
    grown: Array.from({ length: 1100 }, (_, length) => one((to) => to.writeBytes(Buffer.alloc(length, 7)))),
  }
}

describe('the encoder of KafkaJS', () => {
  test('writes the same bytes, sped up', () => {
    const before = encoded()
    speedUpEncoder()
    expect(encoded()).toEqual(before)
    // Another copy of the package in the same process.
    speedUpEncoder()
    expect(encoded()).toEqual(before)
  })

  test('shares no bytes between two that are written in turn', () => {
    const [one, other] = [new Encoder(), new Encoder()]
    for (let at = 0; at < 2000; at++) {
      one.writeInt32(1)
      other.writeInt32(2)
    }
    const words = ({ buffer }: Encoder) => new Set(Array.from({ length: 2000 }, (_, at) => buffer.readInt32BE(at * 4)))
    expect([words(one), words(other)]).toEqual([new Set([1]), new Set([2])])
  })
})
