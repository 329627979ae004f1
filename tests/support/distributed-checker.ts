import { problemSchema } from '@holdfast/contracts'
import {
  commandIdOf,
  type IdempotencyKey,
  type KeyEventMetadata,
  type RecordedEvent,
  type Tenant,
} from '@holdfast/core'
import type { HttpResponse } from '@holdfast/testing/http'
import { isRecorded, type KeyHistory, type Observation } from './distributed-history.ts'

/** Events by command id, oldest first: all streams of keys that there are. */
export type Streams = ReadonlyMap<string, readonly RecordedEvent[]>

/**
 * Proves the promises from what clients saw and what the event store holds, for keys that were used for one request and
 * have not expired. Returns a line for each breach; none when all of these hold:
 *
 * - one effect per key: exactly one outcome stands on the key's stream, in one generation, of one attempt
 * - a replay is byte-identical: all answers with the outcome are the same, and are what the event store holds
 * - an acknowledged command is never lost: whatever was answered 202 or with an outcome has its outcome
 * - no dead keys: every key that anybody has used has an outcome
 * - an attempt is answered with the outcome, 202, or 503, each as the contract says, or its connection broke; at most one
 *   says that it was executed; and after the outcome was told, nobody is told 202
 */
export function findBreaches(histories: readonly KeyHistory[], streams: Streams): readonly string[] {
  return histories.flatMap((history) => {
    const { key } = history.intent
    const commandId = commandIdOf('default' as Tenant, key as IdempotencyKey)
    const events = streams.get(commandId) ?? []
    const breaches = [
      ...breachesOfAnswers(history, commandId),
      ...breachesOfStream(history, events),
      ...breachesBetween(history, events),
    ]
    return breaches.map((breach) => `${key}: ${breach}`)
  })
}

/** What a client sees of a gateway that dies, or is not there. */
const broken: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])

interface Answered extends Observation {
  readonly result: { readonly kind: 'answer'; readonly response: HttpResponse }
}

const isAnswered = (observation: Observation): observation is Answered => observation.result.kind === 'answer'

const shown = ({ status, body }: HttpResponse): string => `${status} ${body.slice(0, 200)}`

function breachesOfAnswers({ observations }: KeyHistory, commandId: string): readonly string[] {
  const answers = observations.filter(isAnswered)
  const told = answers.filter(({ result }) => isRecorded(result.response))
  const breaches = answers.flatMap(({ result }) => breachesOfForm(result.response, commandId))
  for (const { result } of observations) {
    if (result.kind === 'broken' && !broken.has(result.code)) breaches.push(`no answer: ${result.code}`)
  }
  const [first, ...others] = told.map(({ result }) => result.response)
  for (const other of others) {
    if (first !== undefined && !isSame(first, other)) {
      breaches.push(`two answers differ: ${shown(first)} / ${shown(other)}`)
    }
  }
  const executed = told.filter(({ result }) => result.response.headers['idempotent-replayed'] === undefined)
  if (executed.length > 1) breaches.push(`${executed.length} attempts say that they were executed`)
  const knownAt = Math.min(...told.map(({ endedAt }) => endedAt))
  for (const { sentAt, result } of answers) {
    if (result.response.status === 202 && sentAt > knownAt) breaches.push('202 after the outcome was told')
  }
  return breaches
}

/** Whether the answer is one that the contract knows, whole. */
function breachesOfForm(response: HttpResponse, commandId: string): readonly string[] {
  const { status, headers } = response
  const breaches: string[] = []
  if (!isRecorded(response) && status !== 202 && status !== 503) return [`an answer of no promise: ${shown(response)}`]
  if (headers['location'] !== `/commands/${commandId}`) breaches.push(`${status} with Location ${headers['location']}`)
  if (isRecorded(response)) return breaches
  if (!/^\d+$/.test(headers['retry-after'] ?? '')) breaches.push(`${status} without Retry-After`)
  if (status === 503 && !isUnavailable(response)) breaches.push(`an unknown refusal: ${shown(response)}`)
  return breaches
}

function isUnavailable({ body }: HttpResponse): boolean {
  try {
    const { type, retryable } = problemSchema.parse(JSON.parse(body))
    return retryable && (type === '/problems/unavailable' || type === '/problems/overloaded')
  } catch {
    return false
  }
}

/** Headers that belong to an attempt or to the connection; everything else of an outcome is replayed. */
const ofTheAttempt = new Set([
  'connection',
  'date',
  'idempotent-replayed',
  'keep-alive',
  'preference-applied',
  'x-request-id',
])

const lasting = ({ headers }: HttpResponse): string =>
  JSON.stringify(
    Object.entries(headers)
      .filter(([name]) => !ofTheAttempt.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )

const isSame = (one: HttpResponse, other: HttpResponse): boolean =>
  one.status === other.status && one.bytes.equals(other.bytes) && lasting(one) === lasting(other)

const metadataOf = ({ metadata }: RecordedEvent): KeyEventMetadata => metadata as unknown as KeyEventMetadata

function breachesOfStream({ intent, observations }: KeyHistory, events: readonly RecordedEvent[]): readonly string[] {
  const acknowledged = observations.filter(isAnswered).some(({ result }) => result.response.status !== 503)
  const outcomes = events.filter((event) => metadataOf(event).outcome !== undefined)
  if (outcomes.length === 0) {
    return [acknowledged ? 'acknowledged, and lost: it has no outcome' : 'it never came to an outcome']
  }
  const breaches: string[] = []
  if (outcomes.length > 1) breaches.push(`${outcomes.length} outcomes`)
  if (events.at(-1) !== outcomes[0]) breaches.push('events stand behind the outcome')
  const attempts = new Set(events.map((event) => metadataOf(event).attemptId))
  if (attempts.size > 1) breaches.push(`events of ${attempts.size} attempts`)
  if (events.some((event) => metadataOf(event).generation !== 1)) breaches.push('more than one generation')
  if (events.some(({ revision }, at) => revision !== BigInt(at))) breaches.push('a gap in the stream')
  const envelopes = events.flatMap((event) => metadataOf(event).envelope ?? [])
  if (envelopes.length !== 1) breaches.push(`${envelopes.length} envelopes`)
  if (envelopes.some(({ key }) => key !== intent.key)) breaches.push('an envelope of another key')
  return breaches
}

/** What was told against what is stored. */
function breachesBetween({ observations }: KeyHistory, events: readonly RecordedEvent[]): readonly string[] {
  const outcome = events.map((event) => metadataOf(event).outcome).find((one) => one !== undefined)
  if (outcome === undefined) return []
  const { status, body, headers } = outcome.response
  const stored = `${status} ${body.slice(0, 200)}`
  return observations.filter(isAnswered).flatMap(({ result: { response } }) => {
    if (!isRecorded(response)) return []
    const isStored = response.status === status && response.body === body
    const declares = Object.entries(headers).every(([name, value]) => response.headers[name] === value)
    return isStored && declares ? [] : [`told ${shown(response)}, stored ${stored}`]
  })
}
