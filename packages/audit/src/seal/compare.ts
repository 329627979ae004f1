import type { StoredEvent } from '../history.ts'
import { eventLeaf } from '../merkle/event-leaf.ts'
import { sameDigest } from '../merkle/hashing.ts'
import type { Digest } from '../merkle/hashing.ts'
import { growTree } from '../merkle/tree.ts'
import type { Leaf, Removals } from '../removals.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { LeavesFile, SealedLeaf } from './leaves-file.ts'

/** An event that is not as it was sealed. */
export interface SealBreach {
  /** `changed`: another content; `missing`: not there any more; `inserted`: was not there. */
  readonly kind: 'changed' | 'missing' | 'inserted'
  readonly position: bigint
  /** What stands there now; absent for a missing event. */
  readonly event?: StoredEvent
}

export interface SealVerdict {
  /** True when every checkpoint has the root of the store's own events. */
  readonly whole: boolean
  /** Events under the last checkpoint that is whole. */
  readonly sealedEvents: number
  /** Events behind the last checkpoint: nothing is known about them. */
  readonly unsealedEvents: number
  /**
   * Where the first checkpoint that does not hold covers more than the last that does: the first bad position lies
   * behind `after` and not behind `upTo`. Known also without leaves.
   */
  readonly brokenBetween?: { readonly after: bigint; readonly upTo: bigint }
  /** False when the leaves file does not make up the sealed roots: it cannot name positions then. Absent without one. */
  readonly leavesSound?: boolean
  /** In the order of their positions; all of them are counted, the first ones are listed. */
  readonly breaches: readonly SealBreach[]
  readonly breachCount: number
}

export interface CompareOptions {
  /** By size, the smallest first; their signatures are checked already. */
  readonly checkpoints: readonly Checkpoint[]
  /** What the store says was removed on purpose. */
  readonly removals: Removals
  /** The leaves of the last seal of the folder, to name positions. */
  readonly leaves: { readonly file: LeavesFile; readonly count: number } | undefined
}

/** Compares the store with its seals while its events go by. */
export interface SealComparison {
  /** The next events of the global order. */
  take(events: readonly StoredEvent[]): Promise<void>
  finish(): Promise<SealVerdict>
}

const maxListed = 100

/**
 * Two questions, one pass. The tree over the store's events has to have each sealed root: that is the proof. And event by
 * event, by position, the leaf that was sealed: that says which one it is.
 */
export function compareWithSeals({ checkpoints, leaves, removals }: CompareOptions): SealComparison {
  const own = followTree(checkpoints)
  const sealed = followTree(checkpoints.filter(({ size }) => size <= (leaves?.count ?? 0)))
  const reader = leaves && readLeaves(leaves.file.read(0, leaves.count), (leaf) => sealed.append(leaf))
  const lastSealed = checkpoints.at(-1)?.position ?? 0n
  const breaches: SealBreach[] = []
  let breachCount = 0
  let lastPosition: bigint | undefined
  let events = 0

  const note = (breach: SealBreach): void => {
    breachCount += 1
    if (breaches.length < maxListed) breaches.push(breach)
  }

  /** Both sides are in the order of positions: whatever comes first on one side only is missing on the other. */
  async function match({ position, hash, event }: Leaf): Promise<void> {
    if (reader === undefined) return
    let expected = await reader.peek()
    while (expected !== undefined && expected.position < position) {
      note({ kind: 'missing', position: expected.position })
      reader.skip()
      expected = await reader.peek()
    }
    const found = { position, ...(event && { event }) }
    if (expected?.position === position) {
      if (!sameDigest(expected.hash, hash)) note({ kind: 'changed', ...found })
      reader.skip()
    } else if (position <= lastSealed) {
      note({ kind: 'inserted', ...found })
    }
  }

  /** As it should be; without a turn of the event loop for each of millions. */
  function takeLeaf(leaf: Leaf): Promise<void> | undefined {
    own.append(leaf.hash)
    const expected = reader?.current()
    if (expected?.position !== leaf.position || !sameDigest(expected.hash, leaf.hash)) return match(leaf)
    reader?.skip()
    return undefined
  }

  return {
    take: async (page) => {
      for (const event of page) {
        events += 1
        // Nothing is known of what came after the last seal.
        if (events > own.needed && event.position > lastSealed) continue
        const { position } = event
        // What was removed has its place in the tree still, before this one.
        for (const removed of removals.count > 0 ? removals.between(lastPosition ?? 0n, position) : []) {
          await takeLeaf(removed)
        }
        lastPosition = position
        const matching = takeLeaf({ position, hash: eventLeaf(event), event })
        if (matching !== undefined) await matching
      }
    },
    finish: async () => {
      for (let rest = await reader?.peek(); rest !== undefined; rest = await reader?.peek()) {
        note({ kind: 'missing', position: rest.position })
        reader?.skip()
      }
      const broken = own.firstBroken()
      const held = broken === undefined ? checkpoints.at(-1) : checkpoints[broken - 1]
      const failed = broken === undefined ? undefined : checkpoints[broken]
      return {
        whole: broken === undefined,
        sealedEvents: held?.size ?? 0,
        unsealedEvents: Math.max(0, events - (checkpoints.at(-1)?.size ?? 0)),
        ...(failed && { brokenBetween: { after: held?.position ?? 0n, upTo: failed.position } }),
        ...(reader && { leavesSound: sealed.firstBroken() === undefined }),
        // Sound roots are the proof; leaves that contradict them are not.
        breaches: broken === undefined ? [] : breaches,
        breachCount: broken === undefined ? 0 : breachCount,
      }
    },
  }
}

/** Grows a tree and compares its root at the size of each checkpoint. */
function followTree(checkpoints: readonly Checkpoint[]) {
  const tree = growTree()
  const needed = checkpoints.at(-1)?.size ?? 0
  let next = 0
  let broken: number | undefined
  const compare = (): void => {
    for (let due = checkpoints[next]; due?.size === tree.size; due = checkpoints[++next]) {
      if (!sameDigest(due.root, tree.root())) broken ??= next
    }
  }
  compare()
  return {
    /** Leaves that the checkpoints cover. */
    needed,
    append: (leaf: Digest): void => {
      if (tree.size >= needed) return
      tree.append(leaf)
      compare()
    },
    /** Index of the first checkpoint with another root, or with more leaves than there were. */
    firstBroken: (): number | undefined => broken ?? (next < checkpoints.length ? next : undefined),
  }
}

/** One leaf after the other, with a look at the next. */
function readLeaves(blocks: AsyncIterable<readonly SealedLeaf[]>, onRead: (hash: Digest) => void) {
  const iterator = blocks[Symbol.asyncIterator]()
  let block: readonly SealedLeaf[] = []
  let at = 0
  let ended = false
  return {
    /** The next one, where it is in memory. */
    current: (): SealedLeaf | undefined => block[at],
    peek: async (): Promise<SealedLeaf | undefined> => {
      while (at >= block.length && !ended) {
        const next = await iterator.next()
        ended = next.done === true
        block = next.done === true ? [] : next.value
        at = 0
        for (const { hash } of block) onRead(hash)
      }
      return block[at]
    },
    skip: (): void => {
      at += 1
    },
  }
}
