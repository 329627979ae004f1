import { nodeHash, sameDigest } from './hashing.ts'
import type { Digest } from './hashing.ts'
import { largestPowerOfTwo } from './tree.ts'

export interface InclusionProof {
  /** Hash of the leaf, not its content. */
  readonly leaf: Digest
  readonly index: number
  readonly size: number
  readonly path: readonly Digest[]
  readonly root: Digest
}

/** True when the leaf stands at that index in the tree with that root. @see RFC 9162, section 2.1.3.2 */
export function isIncluded({ leaf, index, size, path, root }: InclusionProof): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false
  let [at, last] = [index, size - 1]
  let hash = leaf
  for (const sibling of path) {
    if (last === 0) return false
    if (isOdd(at) || at === last) {
      hash = nodeHash(sibling, hash)
      // At the right edge, levels without a sibling are left out of the path.
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)]
    } else {
      hash = nodeHash(hash, sibling)
    }
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && sameDigest(hash, root)
}

export interface ConsistencyProof {
  readonly earlier: { readonly size: number; readonly root: Digest }
  readonly later: { readonly size: number; readonly root: Digest }
  readonly path: readonly Digest[]
}

/**
 * True when the later tree begins with the leaves of the earlier one, in their order. An empty earlier tree begins
 * everything. @see RFC 9162, section 2.1.4.2
 */
export function isConsistent({ earlier, later, path }: ConsistencyProof): boolean {
  if (!isSize(earlier.size) || !isSize(later.size) || earlier.size > later.size) return false
  if (earlier.size === later.size) return path.length === 0 && sameDigest(earlier.root, later.root)
  if (earlier.size === 0) return path.length === 0
  // Where the earlier tree is complete, its root is the first node.
  const nodes = isPowerOfTwo(earlier.size) ? [earlier.root, ...path] : path
  const [first, ...rest] = nodes
  if (first === undefined) return false
  let [at, last] = [earlier.size - 1, later.size - 1]
  while (isOdd(at)) [at, last] = [half(at), half(last)]
  let [earlierHash, laterHash] = [first, first]
  for (const node of rest) {
    if (last === 0) return false
    if (isOdd(at) || at === last) {
      earlierHash = nodeHash(node, earlierHash)
      laterHash = nodeHash(node, laterHash)
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)]
    } else {
      laterHash = nodeHash(laterHash, node)
    }
    ;[at, last] = [half(at), half(last)]
  }
  return last === 0 && sameDigest(earlierHash, earlier.root) && sameDigest(laterHash, later.root)
}

// Sizes go up to 2^53: the operators on 32 bits would cut them off.
const isSize = (n: number): boolean => Number.isSafeInteger(n) && n >= 0
const isOdd = (n: number): boolean => n % 2 === 1
const half = (n: number): number => Math.floor(n / 2)
const isPowerOfTwo = (n: number): boolean => largestPowerOfTwo(n) === n
