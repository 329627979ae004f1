import { hash } from 'node:crypto'
import type { RecordedEvent } from '../ports/event-store.ts'

const leafPrefix = 0x00
const leafVersion = 1

/**
 * SHA-256, in hex, of everything that a store keeps of an event: the leaf of the tree that `@holdfast/audit` seals
 * (`event-leaf.ts` there says what its bytes are), so that the tree can be grown without an event that was removed.
 */
export function eventDigest(event: RecordedEvent): string {
  const { stream, id, type, data, metadata } = event
  const head = Buffer.alloc(26)
  head[0] = leafPrefix
  head[1] = leafVersion
  head.writeBigInt64BE(event.position, 2)
  head.writeBigInt64BE(event.revision, 10)
  head.writeBigInt64BE(BigInt(event.recordedAtMs), 18)
  const texts = [stream, id, type, JSON.stringify(data), JSON.stringify(metadata)]
  return hash('sha256', Buffer.concat([head, ...texts.flatMap(withLength)]), 'hex')
}

function withLength(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return [length, bytes]
}
