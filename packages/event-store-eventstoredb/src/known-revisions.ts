/**
 * What conflicts have told of streams lately. An append is checked against writes that the index does not show yet, so
 * that a read right after a conflict can say less than the conflict did; a reader that knows can wait.
 */
export interface KnownRevisions {
  note(stream: string, revision: bigint): void
  /** The revision that the stream has at least, or undefined. */
  of(stream: string): bigint | undefined
}

/** The oldest are forgotten beyond this many. */
const capacity = 10_000
/** A write that is not indexed by then was refused by the server's own limit long ago. */
const lifeMs = 10_000

export function createKnownRevisions(): KnownRevisions {
  const known = new Map<string, { readonly revision: bigint; readonly untilMs: number }>()
  return {
    note(stream, revision) {
      known.delete(stream)
      known.set(stream, { revision, untilMs: performance.now() + lifeMs })
      if (known.size <= capacity) return
      const [oldest] = known.keys()
      if (oldest !== undefined) known.delete(oldest)
    },
    of(stream) {
      const entry = known.get(stream)
      if (entry && entry.untilMs >= performance.now()) return entry.revision
      known.delete(stream)
      return undefined
    },
  }
}
