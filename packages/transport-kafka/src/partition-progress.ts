/**
 * What a member has taken from one partition and not finished: it finds the contiguous finished prefix, which is all
 * that may be committed. Offsets are accepted in increasing order; gaps (control records, compaction) are finished by
 * nature. It holds only what is unfinished, however long one of them takes and however many finish behind it.
 */
export interface PartitionProgress {
  /** False for an offset that was accepted before: delivered again, in progress or finished. */
  accept(offset: bigint): boolean
  /** No effect for an offset that is not open. */
  finish(offset: bigint): void
  /** Open offsets. */
  readonly open: number
  /** Behind the last accepted offset: where to go on reading. Undefined before the first. */
  readonly next: bigint | undefined
  /** The first offset that is not finished, if it moved since the last {@link PartitionProgress.committed}. */
  committable(): bigint | undefined
  committed(offset: bigint): void
}

export function createPartitionProgress(): PartitionProgress {
  // A Set keeps the order of insertion, which is the order of the offsets: its first member is the lowest.
  const open = new Set<bigint>()
  let next: bigint | undefined
  let lastCommitted: bigint | undefined

  return {
    accept: (offset) => {
      if (next !== undefined && offset < next) return false
      open.add(offset)
      next = offset + 1n
      return true
    },
    finish: (offset) => {
      open.delete(offset)
    },
    get open() {
      return open.size
    },
    get next() {
      return next
    },
    committable: () => {
      const [first] = open
      const prefixEnd = first ?? next
      return prefixEnd === lastCommitted ? undefined : prefixEnd
    },
    committed: (offset) => {
      lastCommitted = offset
    },
  }
}
