import type {
  ClaimRequest,
  ClaimResult,
  CommitResult,
  DocumentChange,
  ProjectionClaim,
  ProjectionCommit,
  ProjectionFailure,
} from '@holdfast/core'
import type { Fault } from './faults.ts'

/**
 * Changed documents as one text, which crosses to another thread at a fraction of the cost of thousands: tenant, id and JSON
 * of each ('' where it was removed), with NUL between all, which none of them contains.
 */
export function packChanges(changes: readonly DocumentChange[]): string {
  const parts: string[] = []
  for (const { tenant, id, json } of changes) parts.push(tenant, id, json ?? '')
  return parts.join('\0')
}

/** The fields, one after the other. */
export const unpackChanges = (packed: string): readonly string[] => (packed === '' ? [] : packed.split('\0'))

/** What the writing thread does, one after the other, each in a transaction. */
export type WriteOrder =
  | { readonly kind: 'claim'; readonly request: ClaimRequest }
  | { readonly kind: 'renew'; readonly claim: ProjectionClaim }
  | { readonly kind: 'release'; readonly claim: ProjectionClaim; readonly failure: ProjectionFailure | undefined }
  | {
      readonly kind: 'commit'
      readonly claim: ProjectionClaim
      readonly commit: Omit<ProjectionCommit, 'changes'>
      /** See {@link packChanges}. */
      readonly changes: string
    }
  | { readonly kind: 'prune'; readonly name: string; readonly limit: number }
  /** Close the database, then end. */
  | { readonly kind: 'close' }

export interface WriteResults {
  readonly claim: ClaimResult
  readonly renew: boolean
  readonly release: undefined
  readonly commit: CommitResult
  readonly prune: boolean
  readonly close: undefined
}

/** From the thread: one for each order, in their order. */
export type WriteAnswer =
  | { readonly kind: 'done'; readonly result: WriteResults[keyof WriteResults] }
  | { readonly kind: 'failed'; readonly fault: Fault }
