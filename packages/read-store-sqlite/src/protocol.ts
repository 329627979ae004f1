import type {
  ClaimRequest,
  ClaimResult,
  CommitResult,
  ProjectionClaim,
  ProjectionCommit,
  ProjectionFailure,
} from '@holdfast/core'
import type { Fault } from './faults.ts'

/** Changed documents as columns: a few long arrays cross to another thread at a fraction of the cost of many objects. */
export interface ChangeColumns {
  readonly tenants: readonly string[]
  readonly ids: readonly string[]
  /** null: removed. */
  readonly jsons: readonly (string | null)[]
}

/** What the writing thread does, one after the other, each in a transaction. */
export type WriteOrder =
  | { readonly kind: 'claim'; readonly request: ClaimRequest }
  | { readonly kind: 'renew'; readonly claim: ProjectionClaim }
  | { readonly kind: 'release'; readonly claim: ProjectionClaim; readonly failure: ProjectionFailure | undefined }
  | {
      readonly kind: 'commit'
      readonly claim: ProjectionClaim
      readonly commit: Omit<ProjectionCommit, 'changes'>
      readonly changes: ChangeColumns
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
