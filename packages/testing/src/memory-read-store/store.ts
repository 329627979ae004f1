import {
  ReadStoreError,
  type BuildStatus,
  type CommitResult,
  type ProjectionBuild,
  type ProjectionClaim,
  type ProjectionCommit,
  type ReadSelector,
  type ReadStore,
} from '@holdfast/core'
import { buildKey, createMemoryReadData, documentAt, newBuild, putDocument } from './data.ts'
import type { BuildData, DocumentVersion, MemoryReadData } from './data.ts'

/** What becomes of a commit: refused, lost before or after it was written, or the process dies there. */
export type CommitFault = 'unavailable' | 'unknown-written' | 'crash-before' | 'crash-after'

export interface ReadStoreFaults {
  /** Asked before each commit; undefined: nothing goes wrong. */
  onCommit: (commit: ProjectionCommit) => CommitFault | undefined
  /** From now on nothing that this store was asked for is answered: its process is dead. */
  crash(): void
  readonly crashed: boolean
  /** While true everything fails with `unavailable`. */
  down: boolean
}

export interface MemoryReadStore extends ReadStore {
  /** The data behind it; open further stores on it, for other processes or after a crash. */
  readonly data: MemoryReadData
  readonly faults: ReadStoreFaults
}

export interface MemoryReadStoreOptions {
  /** Clock of the leases, milliseconds. Default: the system's. */
  readonly nowMs?: () => number
}

/** A store on data of its own. */
export function createMemoryReadStore(options: MemoryReadStoreOptions = {}): MemoryReadStore {
  return openMemoryReadStore(createMemoryReadData(), options)
}

/** A process's view of the data. Several may be open at one time. */
export function openMemoryReadStore(data: MemoryReadData, options: MemoryReadStoreOptions = {}): MemoryReadStore {
  const { nowMs = Date.now } = options
  let crashed = false
  let closed = false
  const faults: ReadStoreFaults = {
    onCommit: () => undefined,
    crash: () => {
      crashed = true
    },
    get crashed() {
      return crashed
    },
    down: false,
  }

  /** One step against the data, as in a transaction. Asynchronous, as every real store. */
  const step = async <T>(work: () => T): Promise<T> => {
    if (closed) throw new ReadStoreError('closed', 'the read store is closed')
    await Promise.resolve()
    if (crashed) return never()
    if (faults.down) throw new ReadStoreError('unavailable', 'the read store is down')
    return work()
  }

  const mine = (claim: ProjectionClaim): BuildData | undefined => {
    const build = data.builds.get(buildKey(claim))
    return build?.token === claim.token ? build : undefined
  }
  const newerLive = ({ name, version }: ProjectionBuild): number | undefined => {
    const live = data.live.get(name)
    return live !== undefined && live > version ? live : undefined
  }
  const signOfLife = (build: BuildData, leaseMs: number): void => {
    build.leaseUntilMs = nowMs() + leaseMs
  }

  const write = (claim: ProjectionClaim, commit: ProjectionCommit): CommitResult => {
    const liveVersion = newerLive(claim)
    if (liveVersion !== undefined) return { kind: 'superseded', liveVersion }
    const build = mine(claim)
    if (build === undefined) return { kind: 'fenced' }
    const { changes, position, recordedUntilMs, snapshot, caughtUp } = commit
    for (const { tenant, id, json } of changes) putDocument(build, { tenant, id, json, since: position })
    build.position = position
    build.recordedUntilMs = recordedUntilMs
    build.failure = undefined
    signOfLife(build, claim.leaseMs)
    if (snapshot && build.snapshots.at(-1)?.position !== position) build.snapshots.push({ position, recordedUntilMs })
    const live = liveBuild(claim.name)
    if (caughtUp && live !== undefined && live.version < build.version && live.position <= position)
      data.live.set(build.name, build.version)
    return { kind: 'committed', live: data.live.get(build.name) === build.version }
  }

  const liveBuild = (name: string): BuildData | undefined =>
    data.builds.get(buildKey({ name, version: data.live.get(name) ?? 0 }))
  const selected = ({ name, version }: ReadSelector): BuildData | undefined =>
    version === undefined ? liveBuild(name) : data.builds.get(buildKey({ name, version }))
  const statusOf = (build: BuildData): BuildStatus => ({
    name: build.name,
    version: build.version,
    live: data.live.get(build.name) === build.version,
    position: build.position,
    recordedUntilMs: build.recordedUntilMs,
    owner: build.leaseUntilMs > nowMs() ? build.owner : undefined,
    failure: build.failure,
  })

  return {
    data,
    faults,
    claim: (request) =>
      step(() => {
        const liveVersion = newerLive(request)
        if (liveVersion !== undefined) return { kind: 'superseded', liveVersion }
        const key = buildKey(request)
        const build = data.builds.get(key) ?? newBuild(request)
        if (build.owner !== undefined && build.owner !== request.owner && build.leaseUntilMs > nowMs())
          return { kind: 'held', owner: build.owner }
        data.builds.set(key, build)
        if (!data.live.has(request.name)) data.live.set(request.name, request.version)
        build.owner = request.owner
        build.token += 1n
        signOfLife(build, request.leaseMs)
        const { position, recordedUntilMs, token } = build
        const live = data.live.get(build.name) === build.version
        return { kind: 'claimed', claim: { ...request, token }, position, recordedUntilMs, live }
      }),
    renew: (claim) =>
      step(() => {
        const build = mine(claim)
        if (build !== undefined) signOfLife(build, claim.leaseMs)
        return build !== undefined
      }),
    release: (claim, failure) =>
      step(() => {
        const build = mine(claim)
        if (build === undefined) return
        build.owner = undefined
        build.token += 1n
        if (failure !== undefined) build.failure = failure
      }),
    commit: async (claim, commit) => {
      const fault = faults.onCommit(commit)
      return step(() => {
        if (fault === 'unavailable') throw new ReadStoreError('unavailable', 'the read store refused the commit')
        if (fault === 'crash-before') faults.crash()
        if (crashed) return never()
        const result = write(claim, commit)
        if (fault === 'crash-after') faults.crash()
        if (crashed) return never()
        if (fault === 'unknown-written')
          throw new ReadStoreError('unavailable', 'the connection broke after the commit')
        return result
      })
    },
    prune: (name, limit) =>
      step(() => {
        const live = data.live.get(name) ?? 0
        let left = limit
        for (const [key, build] of data.builds) {
          if (build.name !== name || build.version >= live) continue
          for (const document of build.documents.keys()) {
            if (left === 0) return true
            build.documents.delete(document)
            left--
          }
          data.builds.delete(key)
        }
        return false
      }),
    live: (name) =>
      step(() => {
        const build = liveBuild(name)
        return build && statusOf(build)
      }),
    builds: (name) =>
      step(() =>
        [...data.builds.values()]
          .filter((build) => build.name === name)
          .sort((a, b) => b.version - a.version)
          .map(statusOf),
      ),
    read: (selector, ids) =>
      step(() => {
        const build = selected(selector)
        if (build === undefined) return undefined
        const documents = ids.map(
          ({ tenant, id }) => documentAt(build.documents.get(`${tenant}\0${id}`), selector.snapshot)?.json,
        )
        return { version: build.version, position: selector.snapshot ?? build.position, documents }
      }),
    list: (selector, { tenant, after, limit }) =>
      step(() => {
        const build = selected(selector)
        if (build === undefined) return undefined
        const documents = [...build.documents.values()]
          .map((versions) => documentAt(versions, selector.snapshot))
          .filter((document): document is DocumentVersion & { readonly json: string } => document?.json !== undefined)
          .filter(
            (document) => document.tenant === tenant && (after === undefined || compareUtf8(document.id, after) > 0),
          )
          .sort((a, b) => compareUtf8(a.id, b.id))
          .slice(0, limit)
          .map(({ id, json }) => ({ id, json }))
        return { version: build.version, position: selector.snapshot ?? build.position, documents }
      }),
    nearestSnapshot: (wanted, bound) =>
      step(() => {
        const build = data.builds.get(buildKey(wanted))
        if (build === undefined) return undefined
        const found = build.snapshots.findLast((snapshot) =>
          'position' in bound ? snapshot.position <= bound.position : snapshot.recordedUntilMs <= bound.timeMs,
        )
        return found ?? { position: 0n, recordedUntilMs: 0 }
      }),
    close: async () => {
      closed = true
    },
  }
}

const compareUtf8 = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Whoever waits for a dead process waits for ever. */
const never = <T>(): T =>
  new Promise(() => {
    // Neither settles: that is the point.
  }) as T
