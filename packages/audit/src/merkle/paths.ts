import type { Digest } from './hashing.ts'
import { growTree, largestPowerOfTwo, type GrowingTree, type Range } from './tree.ts'

/** The largest power of two below `n`: where a tree of n > 1 leaves is split. */
function splitOf(n: number): number {
  const power = largestPowerOfTwo(n)
  return power === n ? n / 2 : power
}

/**
 * Which subtrees prove that the leaf `index` stands in the tree of `size` leaves, in the order of the proof: from the leaf
 * to the root.
 *
 * @throws RangeError when the tree has no such leaf
 * @see RFC 9162, section 2.1.3.1
 */
export function inclusionPath(index: number, size: number): readonly Range[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`)
  const path: Range[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const middle = start + splitOf(end - start)
    if (index < middle) {
      path.push({ start: middle, end })
      end = middle
    } else {
      path.push({ start, end: middle })
      start = middle
    }
  }
  return path.reverse()
}

/**
 * Which subtrees prove that the tree of `size` leaves begins with the tree of `earlier` leaves, in the order of the proof.
 * Empty where there is nothing to prove: for an empty earlier tree, and for the same size.
 *
 * @throws RangeError when the earlier tree is the larger one
 * @see RFC 9162, section 2.1.4.1
 */
export function consistencyPath(earlier: number, size: number): readonly Range[] {
  if (!(earlier >= 0 && earlier <= size)) throw new RangeError(`a tree of ${size} leaves has no part of ${earlier}`)
  if (earlier === 0 || earlier === size) return []
  const path: Range[] = []
  let [start, end] = [0, size]
  while (end !== earlier) {
    const middle = start + splitOf(end - start)
    if (earlier <= middle) {
      path.push({ start: middle, end })
      end = middle
    } else {
      path.push({ start, end: middle })
      start = middle
    }
  }
  // The verifier has the earlier root; only a part of it has to be given.
  if (start > 0) path.push({ start, end })
  return path.reverse()
}

/** Gathers the hashes of some subtrees while a tree grows: one pass over the leaves serves any number of proofs. */
export interface PathCollector {
  readonly tree: GrowingTree
  /** The hashes in the order of the path, once the tree has its size. @throws RangeError for a range that was not asked for */
  hashes(path: readonly Range[]): readonly Digest[]
}

/** @param from as in {@link growTree}: ranges within what it stands for can be collected only where they are its peaks */
export function collectPaths(
  paths: Iterable<readonly Range[]>,
  from?: { readonly size: number; readonly peaks: readonly Digest[] },
): PathCollector {
  const wanted = new Map<string, Digest | undefined>()
  for (const path of paths) for (const range of path) wanted.set(nameOf(range), undefined)
  const tree = growTree(from, (range, hash) => {
    const name = nameOf(range)
    if (wanted.has(name)) wanted.set(name, hash)
  })
  return {
    tree,
    hashes: (path) =>
      path.map((range) => {
        // A subtree at the right edge is complete only as the tail of the tree.
        const hash = wanted.get(nameOf(range)) ?? (range.end === tree.size ? tree.tail(range.start) : undefined)
        if (hash === undefined)
          throw new RangeError(`the hash of the leaves ${range.start} to ${range.end} is not known`)
        return hash
      }),
  }
}

const nameOf = ({ start, end }: Range): string => `${start}-${end}`
