/**
 * Header names of the HTTP contract, lower case as Node delivers them.
 *
 * Sources: draft-ietf-httpapi-idempotency-key-header-07 (`idempotency-key`), RFC 7240 (`prefer`,
 * `preference-applied`), RFC 9110 (`retry-after`, `location`), RFC 8288 (`link`).
 */
export const headers = {
  idempotencyKey: 'idempotency-key',
  idempotencyExpires: 'idempotency-expires',
  idempotentReplayed: 'idempotent-replayed',
  projectionPosition: 'projection-position',
  projectionVersion: 'projection-version',
  requestId: 'x-request-id',
  prefer: 'prefer',
  preferenceApplied: 'preference-applied',
  location: 'location',
  retryAfter: 'retry-after',
  link: 'link',
  contentType: 'content-type',
} as const

/** Media type of every 4xx and 5xx body (RFC 9457). */
export const problemMediaType = 'application/problem+json'
