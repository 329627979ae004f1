import { emptyRoot, nodeHash } from './hashing.ts'
import type { Digest } from './hashing.ts'

/** The leaves from `start` to before `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Called for each subtree of 2^n leaves when it is complete, leaves (n = 0) included. */
export type OnSubtree = (range: Range, hash: Digest) => void

/**
 * A Merkle tree that grows leaf by leaf and keeps only its peaks: the roots of the complete subtrees of 2^n leaves that
 * it is made of, the largest first. Memory grows with the logarithm of the size.
 *
 * @see RFC 9162, section 2.1.2, which is this algorithm
 */
export interface GrowingTree {
  readonly size: number
  append(leaf: Digest): void
  root(): Digest
  /** As many as `size` has binary ones. */
  peaks(): readonly Digest[]
  /** The hash of the leaves from `start` to the end, where a peak begins at `start`; undefined where none does. */
  tail(start: number): Digest | undefined
}

interface Peak extends Range {
  readonly hash: Digest
}

/** An empty tree, or the one whose size and peaks are known. @throws RangeError when that many peaks do not make that size */
export function growTree(
  from: { readonly size: number; readonly peaks: readonly Digest[] } = { size: 0, peaks: [] },
  onSubtree: OnSubtree = () => undefined,
): GrowingTree {
  const stack = peaksOf(from)
  for (const peak of stack) onSubtree(peak, peak.hash)
  let size = from.size

  const foldFrom = (first: number): Digest | undefined => {
    let folded = stack.at(-1)?.hash
    for (let at = stack.length - 2; at >= first && folded !== undefined; at--) {
      const peak = stack[at]
      if (peak !== undefined) folded = nodeHash(peak.hash, folded)
    }
    return folded
  }

  return {
    get size() {
      return size
    },
    append: (leaf) => {
      let peak: Peak = { start: size, end: size + 1, hash: leaf }
      size += 1
      onSubtree(peak, leaf)
      for (let left = stack.at(-1); left !== undefined && widthOf(left) === widthOf(peak); left = stack.at(-1)) {
        stack.pop()
        peak = { start: left.start, end: peak.end, hash: nodeHash(left.hash, peak.hash) }
        onSubtree(peak, peak.hash)
      }
      stack.push(peak)
    },
    root: () => foldFrom(0) ?? emptyRoot,
    peaks: () => stack.map(({ hash }) => hash),
    tail: (start) => {
      const first = stack.findIndex((peak) => peak.start === start)
      return first < 0 ? undefined : foldFrom(first)
    },
  }
}

const widthOf = ({ start, end }: Range): number => end - start

function peaksOf({ size, peaks }: { readonly size: number; readonly peaks: readonly Digest[] }): Peak[] {
  const found: Peak[] = []
  let start = 0
  for (const hash of peaks) {
    if (size - start < 1) throw new RangeError(`${peaks.length} peaks are too many for ${size} leaves`)
    const width = largestPowerOfTwo(size - start)
    found.push({ start, end: start + width, hash })
    start += width
  }
  if (start !== size) throw new RangeError(`${peaks.length} peaks are too few for ${size} leaves`)
  return found
}

/** The largest power of two that is not above `n`, for n from 1 to 2^53. */
export function largestPowerOfTwo(n: number): number {
  // Below 2^53 `log2` may round up to the next whole number, never down past one.
  const power = 2 ** Math.floor(Math.log2(n))
  return power > n ? power / 2 : power
}
