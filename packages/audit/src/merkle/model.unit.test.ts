import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isConsistent, isIncluded } from './check-proofs.ts'
import { emptyRoot, leafHash, nodeHash, sameDigest, type Digest } from './hashing.ts'
import { collectPaths, consistencyPath, inclusionPath } from './paths.ts'
import { growTree, largestPowerOfTwo } from './tree.ts'

/** The definition of the RFC, word for word: slow, and nothing in it to get wrong. */
function modelRoot(leaves: readonly Digest[]): Digest {
  const [only] = leaves
  if (only === undefined) return emptyRoot
  if (leaves.length === 1) return only
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(modelRoot(leaves.slice(0, split)), modelRoot(leaves.slice(split)))
}

const leavesOf = (size: number): readonly Digest[] =>
  Array.from({ length: size }, (_, at) => leafHash(Buffer.from(`leaf ${at}`)))

/** Every size up to here, and every leaf and every earlier size in it. */
const largest = 70
const all = leavesOf(largest)
const rootAt = Array.from({ length: largest + 1 }, (_, size) => modelRoot(all.slice(0, size)))
const root = (size: number): Digest => rootAt[size] ?? emptyRoot
const sizes = Array.from({ length: largest + 1 }, (_, size) => size)

describe('the growing tree', () => {
  it('has the root of the definition at every size', () => {
    const tree = growTree()
    for (const size of sizes) {
      expect(tree.root()).toEqual(root(size))
      tree.append(all[size] ?? leafHash(Buffer.from('beyond')))
    }
  })

  it('goes on from its peaks as if it had seen the leaves', () => {
    for (const before of sizes) {
      const first = growTree()
      for (const leaf of all.slice(0, before)) first.append(leaf)
      const tree = growTree({ size: before, peaks: first.peaks() })
      for (const leaf of all.slice(before)) tree.append(leaf)
      expect(tree.root()).toEqual(root(largest))
    }
  })

  it('finds the largest power of two, up to the largest size', () => {
    for (let exponent = 0; exponent <= 52; exponent++) {
      const power = 2 ** exponent
      expect(largestPowerOfTwo(power)).toBe(power)
      if (power > 1) expect(largestPowerOfTwo(2 * power - 1)).toBe(power)
    }
  })
})

describe('inclusion proofs', () => {
  it('hold for every leaf of every size, and for nothing else', () => {
    for (const size of sizes.slice(1)) {
      const paths = sizes.slice(0, size).map((index) => inclusionPath(index, size))
      const collector = collectPaths(paths)
      for (const leaf of all.slice(0, size)) collector.tree.append(leaf)
      for (const [index, path] of paths.entries()) {
        const proof = { leaf: all[index]!, index, size, path: collector.hashes(path), root: root(size) }
        expect(isIncluded(proof)).toBe(true)
        expect(isIncluded({ ...proof, leaf: all[(index + 1) % largest]! })).toBe(false)
        if (index > 0) expect(isIncluded({ ...proof, index: index - 1 })).toBe(false)
        if (index + 1 < size) expect(isIncluded({ ...proof, index: index + 1 })).toBe(false)
        expect(isIncluded({ ...proof, root: root(size - 1) })).toBe(false)
        expect(isIncluded({ ...proof, path: [...proof.path, emptyRoot] })).toBe(false)
        if (proof.path.length > 0) expect(isIncluded({ ...proof, path: proof.path.slice(1) })).toBe(false)
      }
    }
  })
})

describe('consistency proofs', () => {
  it('hold between all sizes, and for no other root', () => {
    for (const size of sizes) {
      const paths = sizes.slice(0, size + 1).map((earlier) => consistencyPath(earlier, size))
      const collector = collectPaths(paths)
      for (const leaf of all.slice(0, size)) collector.tree.append(leaf)
      for (const [earlier, path] of paths.entries()) {
        const proof = {
          earlier: { size: earlier, root: root(earlier) },
          later: { size, root: root(size) },
          path: collector.hashes(path),
        }
        expect(isConsistent(proof)).toBe(true)
        // An empty tree is the beginning of all others: its root says nothing.
        if (earlier === 0) continue
        const other = leafHash(Buffer.from('other'))
        expect(isConsistent({ ...proof, earlier: { size: earlier, root: other } })).toBe(false)
        expect(isConsistent({ ...proof, later: { size, root: other } })).toBe(false)
        expect(isConsistent({ ...proof, path: [...proof.path, other] })).toBe(false)
        if (proof.path.length > 0) expect(isConsistent({ ...proof, path: proof.path.slice(1) })).toBe(false)
      }
    }
  })

  it('can be made from the peaks of the earlier tree alone, and the leaves since', () => {
    for (const earlier of sizes.slice(1)) {
      const first = growTree()
      for (const leaf of all.slice(0, earlier)) first.append(leaf)
      for (const size of sizes.slice(earlier)) {
        const path = consistencyPath(earlier, size)
        const collector = collectPaths([path], { size: earlier, peaks: first.peaks() })
        for (const leaf of all.slice(earlier, size)) collector.tree.append(leaf)
        const proof = { earlier: { size: earlier, root: root(earlier) }, later: { size, root: root(size) } }
        expect(isConsistent({ ...proof, path: collector.hashes(path) })).toBe(true)
      }
    }
  })
})

describe('any change to the leaves', () => {
  const changed = fc
    .record({
      size: fc.integer({ min: 1, max: 300 }),
      at: fc.nat(),
      to: fc.nat(),
      how: fc.constantFrom('change', 'drop', 'insert', 'swap', 'truncate'),
    })
    .map(({ size, at, to, how }) => {
      const before = leavesOf(size)
      const after = [...before]
      const [one, other] = [at % size, to % size]
      const stranger = leafHash(Buffer.from(`another ${at}`))
      if (how === 'change') after[one] = stranger
      else if (how === 'drop') after.splice(one, 1)
      else if (how === 'insert') after.splice(one, 0, stranger)
      else if (how === 'truncate') after.length = one
      else [after[one], after[other]] = [after[other]!, after[one]!]
      return { before, after, same: how === 'swap' && one === other }
    })

  it('changes the root', () => {
    fc.assert(
      fc.property(changed, ({ before, after, same }) => {
        const [one, other] = [before, after].map((leaves) => {
          const tree = growTree()
          for (const leaf of leaves) tree.append(leaf)
          return tree.root()
        }) as [Digest, Digest]
        expect(sameDigest(one, other)).toBe(same)
      }),
    )
  })
})
