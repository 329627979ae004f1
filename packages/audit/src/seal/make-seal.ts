import type { KeyObject } from 'node:crypto'
import { AuditError } from '../audit-error.ts'
import type { History } from '../history.ts'
import { sameDigest } from '../merkle/hashing.ts'
import { collectPaths, consistencyPath } from '../merkle/paths.ts'
import { growTree } from '../merkle/tree.ts'
import { leavesBehind, type Leaf } from '../removals.ts'
import { signCheckpoint, type Checkpoint } from './checkpoint.ts'
import { openLeavesFile, type LeavesFile, type SealedLeaf } from './leaves-file.ts'
import { appendSeal, readSeals, sealFilesOf, treeOf, whileLocked, type Seal } from './seal-folder.ts'

export interface MakeSealOptions {
  readonly history: History
  /** Made when it is missing. */
  readonly folder: string
  /** Ed25519. */
  readonly privateKey: KeyObject
  /** Name of the log; the same in all of its seals. Default: that of the seal before, or `holdfast`. */
  readonly origin?: string
  readonly nowMs: number
  /** Events that were read so far. */
  readonly onProgress?: (events: number) => void
}

export interface SealResult {
  /** `unchanged`: no event has come since the last seal, which is given. */
  readonly kind: 'sealed' | 'unchanged'
  readonly checkpoint: Checkpoint
  /** The signed text: publish it, or keep it elsewhere. */
  readonly note: string
  /** Events since the seal before. */
  readonly added: number
}

/**
 * Seals the history as it is now: reads what came since the last seal, and signs the tree of all events. It proves that
 * the tree continues the last one; that what was sealed before is still in the store is for a verification to find out.
 *
 * @throws AuditError `seal`, `signature`, `tampered` (the last sealed event is not in the store any more), `not-sealed`
 *   (there is no event at all); EventStoreError
 */
export async function makeSeal(options: MakeSealOptions): Promise<SealResult> {
  const files = sealFilesOf(options.folder)
  return whileLocked(files, async () => {
    const seals = await readSeals(files, options.privateKey)
    const last = seals.at(-1)
    const origin = options.origin ?? last?.checkpoint.origin ?? 'holdfast'
    if (last !== undefined && last.checkpoint.origin !== origin) {
      throw new AuditError('seal', `${files.folder} holds the seals of "${last.checkpoint.origin}", not of "${origin}"`)
    }
    const leaves = await openLeavesFile(files.leaves, { create: true })
    try {
      if (last !== undefined) await ensureLeaves(leaves, last, options.history)
      const grown = await readOn(leaves, last, options)
      if (grown.size === 0) throw new AuditError('not-sealed', 'there is no event to seal')
      if (grown.size === last?.checkpoint.size) {
        return { kind: 'unchanged', checkpoint: last.checkpoint, note: last.note, added: 0 }
      }
      const sealedAt = new Date(options.nowMs).toISOString()
      const checkpoint: Checkpoint = { origin, size: grown.size, root: grown.root, position: grown.position, sealedAt }
      const note = signCheckpoint(checkpoint, options.privateKey)
      const consistency = await proveConsistency(leaves, last, grown.size)
      await appendSeal(files, { checkpoint, note, consistency, peaks: grown.peaks }, seals.length)
      return { kind: 'sealed', checkpoint, note, added: grown.size - (last?.checkpoint.size ?? 0) }
    } finally {
      await leaves.close()
    }
  })
}

/** Reads the events behind the last seal, writes their leaves, and grows its tree by them. */
async function readOn(leaves: LeavesFile, last: Seal | undefined, { history, onProgress }: MakeSealOptions) {
  const tree = last === undefined ? growTree() : treeOf(last)
  let position = last?.checkpoint.position ?? 0n
  const found = last === undefined ? leavesBehind(history) : behindLast(history, last, leaves)
  async function* hashed(): AsyncGenerator<readonly SealedLeaf[]> {
    for await (const block of found) {
      for (const { hash } of block) tree.append(hash)
      position = block.at(-1)?.position ?? position
      onProgress?.(tree.size)
      yield block
    }
  }
  await leaves.writeBehind(last?.checkpoint.size ?? 0, hashed())
  return { size: tree.size, root: tree.root(), peaks: tree.peaks(), position }
}

/** The events behind the last sealed one, once that one was found to be there still. */
async function* behindLast(
  history: History,
  { checkpoint }: Seal,
  leaves: LeavesFile,
): AsyncGenerator<readonly Leaf[]> {
  // Positions are the store's own: only those that it has given may be asked for.
  const [before, last] = await firstOf(leaves.read(Math.max(0, checkpoint.size - 2), checkpoint.size)).then((found) =>
    found.length === 1 ? [undefined, ...found] : found,
  )
  let checked = false
  for await (const page of leavesBehind(history, before?.position)) {
    if (checked) {
      yield page
      continue
    }
    const [first, ...rest] = page
    if (first?.position !== checkpoint.position || last === undefined || !sameDigest(first.hash, last.hash)) break
    checked = true
    yield rest
  }
  if (!checked) {
    throw new AuditError(
      'tampered',
      `the event at position ${checkpoint.position}, the last of the seal before, is not in the store as it was sealed`,
    )
  }
}

/** The leaves file may be lost: it follows from the store, and the signed root tells whether that is still right. */
async function ensureLeaves(leaves: LeavesFile, last: Seal, history: History): Promise<void> {
  const { size, root } = last.checkpoint
  if ((await leaves.count()) >= size) return
  const tree = growTree()
  async function* sealed(): AsyncGenerator<readonly SealedLeaf[]> {
    for await (const page of leavesBehind(history)) {
      const block = page.slice(0, size - tree.size)
      for (const { hash } of block) tree.append(hash)
      yield block
      if (tree.size === size) return
    }
  }
  await leaves.writeBehind(0, sealed())
  if (tree.size === size && sameDigest(tree.root(), root)) return
  await leaves.writeBehind(0, nothing())
  throw new AuditError('tampered', `the leaves of the last seal are lost, and the store does not hold what was sealed`)
}

async function proveConsistency(leaves: LeavesFile, last: Seal | undefined, size: number) {
  if (last === undefined) return []
  const { checkpoint, peaks } = last
  const path = consistencyPath(checkpoint.size, size)
  const collector = collectPaths([path], { size: checkpoint.size, peaks })
  for await (const block of leaves.read(checkpoint.size, size)) {
    for (const { hash } of block) collector.tree.append(hash)
  }
  return collector.hashes(path)
}

async function* nothing(): AsyncGenerator<readonly SealedLeaf[]> {
  yield []
}

async function firstOf<T>(blocks: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  for await (const block of blocks) return block
  return []
}
