import { randomUUID } from 'node:crypto'
import {
  ReadStoreError,
  type ClaimRequest,
  type ClaimResult,
  type CommitResult,
  type DocumentChange,
  type ProjectionClaim,
  type ProjectionCommit,
  type ReadSelector,
  type ReadStore,
} from '@holdfast/core'
import { expect } from 'vitest'

/** How long a condition may take to come true. Generous: it bounds a hang, it measures nothing. */
const waitMs = 30_000

/** Longer than any test. */
export const longLeaseMs = 600_000

/** A projection that no other test uses. */
export const unique = (label: string): string => `${label}-${randomUUID()}`

export type Claimed = Extract<ClaimResult, { kind: 'claimed' }>

export async function claimed(store: ReadStore, request: Partial<ClaimRequest> & { name: string }): Promise<Claimed> {
  const result = await store.claim({ version: 1, owner: 'one', leaseMs: longLeaseMs, ...request })
  if (result.kind !== 'claimed') throw new Error(`the build was not claimed: ${JSON.stringify(result)}`)
  return result
}

/** Asks until the build is given: its lease has to run out. */
export async function eventuallyClaimed(
  store: ReadStore,
  request: Partial<ClaimRequest> & { name: string },
): Promise<Claimed> {
  const giveUpAt = Date.now() + waitMs
  for (;;) {
    const result = await store.claim({ version: 1, owner: 'two', leaseMs: longLeaseMs, ...request })
    if (result.kind === 'claimed') return result
    if (Date.now() > giveUpAt) throw new Error(`the build was not claimed in time: ${JSON.stringify(result)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A document of the tenant `t`; undefined removes it. */
export const change = (id: string, value: unknown, tenant = 't'): DocumentChange => ({
  tenant,
  id,
  json: value === undefined ? undefined : JSON.stringify(value),
})

export function commit(position: bigint, changes: readonly DocumentChange[], more: Partial<ProjectionCommit> = {}) {
  return { changes, position, recordedUntilMs: Number(position), snapshot: false, caughtUp: false, ...more }
}

/** A commit that must succeed. */
export async function committed(
  store: ReadStore,
  claim: ProjectionClaim,
  written: ProjectionCommit,
): Promise<Extract<CommitResult, { kind: 'committed' }>> {
  const result = await store.commit(claim, written)
  if (result.kind !== 'committed') throw new Error(`not committed: ${JSON.stringify(result)}`)
  return result
}

/** Documents of the tenant `t` (or another), parsed, with the position they were read at. */
export async function readAll(
  store: ReadStore,
  selector: ReadSelector,
  tenant = 't',
): Promise<{ readonly position: bigint; readonly documents: Record<string, unknown> } | undefined> {
  const page = await store.list(selector, { tenant, limit: 10_000 })
  if (page === undefined) return undefined
  return {
    position: page.position,
    documents: Object.fromEntries(page.documents.map(({ id, json }) => [id, JSON.parse(json) as unknown])),
  }
}

/** Asserts that `work` fails with a ReadStoreError of this code. */
export async function expectCode(work: () => Promise<unknown>, code: ReadStoreError['code']): Promise<void> {
  const fault = await work().then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(fault).toBeInstanceOf(ReadStoreError)
  expect((fault as ReadStoreError).code).toBe(code)
}
