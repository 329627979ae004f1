import { describe, expect, it } from 'vitest'
import { isConsistent, isIncluded } from './check-proofs.ts'
import { emptyRoot, leafHash, type Digest } from './hashing.ts'
import { collectPaths, consistencyPath, inclusionPath } from './paths.ts'
import { growTree } from './tree.ts'

const hex = (digest: Digest): string => Buffer.from(digest).toString('hex')

/** Leaves and roots that the implementations of Certificate Transparency (RFC 6962) test themselves with. */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (text) => leafHash(Buffer.from(text, 'hex')),
)

const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

function treeOf(hashes: readonly Digest[]) {
  const tree = growTree()
  for (const hash of hashes) tree.append(hash)
  return tree
}

function proofOf(path: ReturnType<typeof inclusionPath>, size: number): readonly string[] {
  const collector = collectPaths([path])
  for (const leaf of leaves.slice(0, size)) collector.tree.append(leaf)
  return collector.hashes(path).map(hex)
}

describe('the tree of RFC 6962 and RFC 9162', () => {
  it('has the roots that Certificate Transparency is tested with', () => {
    expect(hex(emptyRoot)).toBe(roots[0])
    expect(roots.map((_, size) => hex(treeOf(leaves.slice(0, size)).root()))).toEqual(roots)
  })

  it('gives their inclusion proofs', () => {
    expect(proofOf(inclusionPath(0, 1), 1)).toEqual([])
    expect(proofOf(inclusionPath(0, 8), 8)).toEqual([
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ])
    expect(proofOf(inclusionPath(5, 8), 8)).toEqual([
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ])
    expect(proofOf(inclusionPath(2, 3), 3)).toEqual([
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    ])
  })

  it('gives their consistency proofs', () => {
    expect(proofOf(consistencyPath(1, 1), 1)).toEqual([])
    expect(proofOf(consistencyPath(1, 8), 8)).toEqual([
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ])
    expect(proofOf(consistencyPath(6, 8), 8)).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ])
  })

  it('has the shape of the example in RFC 9162, section 2.1.5', () => {
    const shape = (path: ReturnType<typeof inclusionPath>): string =>
      path.map(({ start, end }) => `${start}-${end}`).join(' ')
    // Its tree of 7 leaves: b h l, then c g l, f j k, and i k, in its letters.
    expect(shape(inclusionPath(0, 7))).toBe('1-2 2-4 4-7')
    expect(shape(inclusionPath(3, 7))).toBe('2-3 0-2 4-7')
    expect(shape(inclusionPath(4, 7))).toBe('5-6 6-7 0-4')
    expect(shape(inclusionPath(6, 7))).toBe('4-6 0-4')
    // Its consistency proofs: c d g l, then l, and i j k.
    expect(shape(consistencyPath(3, 7))).toBe('2-3 3-4 0-2 4-7')
    expect(shape(consistencyPath(4, 7))).toBe('4-7')
    expect(shape(consistencyPath(6, 7))).toBe('4-6 6-7 0-4')
  })

  it('does not take a node for a leaf', () => {
    const [left, right] = [leaves[0], leaves[1]] as [Digest, Digest]
    expect(hex(leafHash(Buffer.concat([left, right])))).not.toBe(roots[2])
  })

  it('refuses what a tree of that size does not have', () => {
    expect(() => inclusionPath(8, 8)).toThrow(RangeError)
    expect(() => consistencyPath(9, 8)).toThrow(RangeError)
    expect(() => growTree({ size: 3, peaks: [leaves[0]!] })).toThrow(RangeError)
    expect(() => growTree({ size: 1, peaks: leaves.slice(0, 2) })).toThrow(RangeError)
    const root = treeOf(leaves).root()
    expect(isIncluded({ leaf: root, index: 0, size: 0, path: [], root })).toBe(false)
    expect(isConsistent({ earlier: { size: 2, root }, later: { size: 1, root }, path: [] })).toBe(false)
  })
})
