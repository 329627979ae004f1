import type { Command, IdempotencyKey, KeyParseResult, Tenant } from '@holdfast/core'
import { ProblemError } from './problem-error.ts'

/** Who asks, under which key: known before the body is read. */
export interface Caller {
  readonly tenant: Tenant
  /** Undefined for a command that the URI identifies. */
  readonly key: IdempotencyKey | undefined
  /** The header as it was sent, for the echo; undefined where it is no key. */
  readonly sentKey: string | undefined
}

export interface SentKey {
  /** `Idempotency-Key` as it was sent. */
  readonly header: string | undefined
  readonly parsed: KeyParseResult
}

/** @throws ProblemError `idempotency-key-missing`, `idempotency-key-invalid` */
export function callerOf(command: Command, tenant: Tenant, { header, parsed }: SentKey): Caller {
  const sentKey = parsed.kind === 'key' ? header : undefined
  if (command.identity === 'uri') return { tenant, key: undefined, sentKey }
  switch (parsed.kind) {
    case 'key':
      return { tenant, key: parsed.key, sentKey }
    case 'missing':
      throw new ProblemError(
        'idempotency-key-missing',
        `${command.route.method} ${command.route.path} needs an Idempotency-Key header.`,
      )
    case 'invalid':
      throw new ProblemError('idempotency-key-invalid', `The Idempotency-Key cannot be used: ${parsed.reason}.`)
  }
}
