import type { Metadata } from '@grpc/grpc-js'
import type { Database } from './database.ts'
import type { Faults } from './faults.ts'
import type { RpcError } from './rpc-errors.ts'
import { notLeaderError, unavailableError } from './rpc-errors.ts'

/** What was asked of the server so far. */
export interface RequestCounts {
  batchAppends: number
  unaryAppends: number
  reads: number
  subscriptions: number
  /** Events given to reads and subscriptions. */
  eventsSent: number
  /** Calls (a batch append's call carries many appends) that asked for the leader. */
  requiringLeader: number
}

/**
 * Which position the checkpoints of a subscription have while it catches up: that of a record that was `looked-at`, or,
 * as up to 22.10, that of the `next` one.
 */
export type CheckpointForm = 'looked-at' | 'next'

/** What the services share. */
export interface ServerContext {
  readonly database: Database
  readonly faults: Faults
  readonly counts: RequestCounts
  readonly nowMs: () => number
  readonly maxAppendBytes: number
  /** An append that is not written and indexed by then is answered with a timeout. */
  readonly writeTimeoutMs: number
  readonly batchAppend: boolean
  readonly checkpoints: CheckpointForm
  readonly endpoint: () => { readonly host: string; readonly port: number }
  readonly closeConnections: () => void
  readonly die: () => void
  /** How to end each live subscription cleanly. */
  readonly subscriptions: Set<() => void>
  /** Like setTimeout, but stopped when the server closes. */
  readonly later: (ms: number, callback: () => void) => void
}

export function countCall(context: ServerContext, metadata: Metadata): void {
  if (metadata.get('requires-leader').includes('true')) context.counts.requiringLeader += 1
}

/** The faults that mean the same for every call that can fail with a status. */
export function refusal(
  context: ServerContext,
  fault: { readonly kind: string; readonly leader?: { readonly host: string; readonly port: number } },
): RpcError | undefined {
  switch (fault.kind) {
    case 'not-leader':
      return notLeaderError(fault.leader ?? context.endpoint())
    case 'unavailable':
    case 'not-ready':
      return unavailableError
    default:
      return undefined
  }
}
