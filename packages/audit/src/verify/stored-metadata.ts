import type { JsonObject, KeyEventMetadata, OutcomeRecord } from '@holdfast/core'

/** The metadata of an event on a key's stream, or what is wrong with it. */
export type ReadMetadata =
  { readonly kind: 'read'; readonly metadata: KeyEventMetadata } | { readonly kind: 'wrong'; readonly what: string }

const sha256 = /^[0-9a-f]{64}$/
const outcomeKinds: ReadonlySet<unknown> = new Set(['succeeded', 'rejected', 'failed'])

const wrong = (what: string): ReadMetadata => ({ kind: 'wrong', what })
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0

/** Looks at every member: what the code that answers retries takes for granted is proved here. */
export function readMetadata(metadata: JsonObject): ReadMetadata {
  if (metadata['v'] !== 1) return wrong(`version ${JSON.stringify(metadata['v'] ?? null)}, and 1 is known`)
  if (!isCount(metadata['generation'])) return wrong('no generation')
  if (typeof metadata['fingerprint'] !== 'string' || !sha256.test(metadata['fingerprint'])) {
    return wrong('no fingerprint')
  }
  if (!isText(metadata['attemptId'])) return wrong('no attempt')
  const { envelope, outcome, release, removal, version } = metadata
  if (version !== undefined && !isCount(version)) return wrong('a version that is none')
  if (envelope !== undefined && !isEnvelope(envelope)) return wrong('a malformed envelope')
  if (outcome !== undefined && !isOutcome(outcome)) return wrong('a malformed outcome')
  if (release !== undefined && !isRelease(release)) return wrong('a malformed release')
  if (removal !== undefined && !isRemoval(removal)) return wrong('a malformed removal')
  return { kind: 'read', metadata: metadata as unknown as KeyEventMetadata }
}

const isEnvelope = (value: unknown): boolean =>
  isObject(value) &&
  isText(value['command']) &&
  isText(value['tenant']) &&
  isText(value['key']) &&
  isText(value['requestId']) &&
  isTime(value['receivedAtMs']) &&
  Number.isInteger(value['seed']) &&
  isObject(value['input'])

const isRelease = (value: unknown): boolean =>
  isObject(value) && isText(value['reason']) && isText(value['by']) && isTime(value['releasedAtMs'])

const isRemoval = (value: unknown): boolean =>
  isObject(value) && isTime(value['reusableAtMs']) && isTime(value['removedAtMs'])

function isOutcome(value: unknown): value is OutcomeRecord & JsonObject {
  if (!isObject(value)) return false
  const { kind, response, completedAtMs, expiresAtMs, attempts } = value
  return (
    outcomeKinds.has(kind) &&
    isObject(response) &&
    isStatus(response['status']) &&
    isObject(response['headers']) &&
    Object.values(response['headers']).every((header) => typeof header === 'string') &&
    typeof response['body'] === 'string' &&
    isTime(completedAtMs) &&
    isTime(expiresAtMs) &&
    expiresAtMs >= completedAtMs &&
    isCount(attempts)
  )
}

const isStatus = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 200 && (value as number) <= 599
