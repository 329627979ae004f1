import { hash } from 'node:crypto'

/** 32 bytes of SHA-256. */
export type Digest = Uint8Array

export const digestBytes = 32

/**
 * Leaves and nodes are hashed behind another first byte, so that no node can be passed off as a leaf (a second preimage).
 *
 * @see RFC 9162, section 2.1.1 (and RFC 6962, section 2.1)
 */
export const leafPrefix = 0x00
const nodePrefix = 0x01

/** SHA-256 of nothing: the root of a tree without leaves. */
export const emptyRoot: Digest = sha256(new Uint8Array(0))

export function leafHash(content: Uint8Array): Digest {
  const bytes = Buffer.allocUnsafe(1 + content.length)
  bytes[0] = leafPrefix
  bytes.set(content, 1)
  return sha256(bytes)
}

export function nodeHash(left: Digest, right: Digest): Digest {
  // One buffer for all: it is hashed before anyone else could write to it.
  nodeBytes.set(left, 1)
  nodeBytes.set(right, 1 + digestBytes)
  return sha256(nodeBytes)
}

const nodeBytes = Buffer.alloc(1 + 2 * digestBytes, nodePrefix)

export function sha256(bytes: Uint8Array): Digest {
  return hash('sha256', bytes, 'buffer')
}

/** None of what is compared is a secret. */
export const sameDigest = (a: Digest, b: Digest): boolean => Buffer.compare(a, b) === 0
