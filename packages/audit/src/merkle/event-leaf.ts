import type { StoredEvent } from '../history.ts'
import { leafPrefix, sha256 } from './hashing.ts'
import type { Digest } from './hashing.ts'

/**
 * Version of what a leaf is. It is the first byte of each, so that a later form can never be mistaken for this one.
 *
 * A leaf: this byte; position, revision and the store's time in milliseconds as 64-bit numbers, the highest byte first;
 * then stream, id, type, data and metadata, each as its length in bytes (32 bits, the highest first) and its bytes in
 * UTF-8. Lengths come first, so that no two events have the same bytes.
 */
const leafVersion = 1
const headBytes = 2 + 3 * 8
const lengthBytes = 4
/** The most that UTF-8 needs for a unit of a JavaScript string. */
const maxBytesPerUnit = 3

let scratch = Buffer.alloc(64 * 1024)

/** The hash of an event's leaf: it covers everything that the store keeps of an event. */
export function eventLeaf(event: StoredEvent): Digest {
  const { stream, id, type, data, metadata } = event
  const texts = (stream.length + id.length + type.length) * maxBytesPerUnit
  const needed = headBytes + 5 * lengthBytes + texts + data.length + metadata.length
  // One buffer for all: nothing else runs between filling and hashing it.
  if (scratch.length < needed) scratch = Buffer.alloc(2 * needed)
  scratch[0] = leafPrefix
  scratch[1] = leafVersion
  scratch.writeBigInt64BE(event.position, 2)
  scratch.writeBigInt64BE(event.revision, 10)
  scratch.writeBigInt64BE(BigInt(event.recordedAtMs), 18)
  let at = headBytes
  for (const text of [stream, id, type]) at = writeText(text, at)
  for (const bytes of [data, metadata]) at = writeBytes(bytes, at)
  return sha256(scratch.subarray(0, at))
}

function writeText(text: string, at: number): number {
  const length = scratch.write(text, at + lengthBytes)
  scratch.writeUInt32BE(length, at)
  return at + lengthBytes + length
}

function writeBytes(bytes: Uint8Array, at: number): number {
  scratch.writeUInt32BE(bytes.length, at)
  scratch.set(bytes, at + lengthBytes)
  return at + lengthBytes + bytes.length
}
