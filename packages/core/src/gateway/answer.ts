import type { CommandStateName, ErrorCode } from '@holdfast/contracts'
import type { CommandId } from '../brands.ts'
import type { StoredResponse } from '../key-state/events.ts'

/** What the gateway says to one attempt, free of HTTP. */
export type Answer =
  | {
      readonly kind: 'response'
      readonly commandId: CommandId
      readonly response: StoredResponse
      /** True when another attempt than this one was executed. */
      readonly replayed: boolean
      /** Executed by this attempt, waited for with another, or recorded before. */
      readonly source: 'executed' | 'attached' | 'replayed'
      readonly expiresAtMs: number
      /** See Resolution. */
      readonly position: string
    }
  /** Durable, and not finished within the caller's wait. */
  | {
      readonly kind: 'pending'
      readonly commandId: CommandId
      readonly state: CommandStateName
      readonly attempts: number
    }
  | {
      readonly kind: 'refused'
      readonly code: Extract<
        ErrorCode,
        | 'body-too-large'
        | 'command-in-progress'
        | 'idempotency-key-expired'
        | 'superseded'
        | 'idempotency-key-reused'
        | 'overloaded'
        | 'unavailable'
      >
      /** Known whenever the key was. */
      readonly commandId: CommandId
      /** The fault behind `unavailable`, for the log. */
      readonly cause?: unknown
    }
