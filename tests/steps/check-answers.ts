import type { OutcomeRecord } from '@holdfast/core'
import { isRecorded, type Answered, type Attempt, type Breach } from './evidence.ts'

interface Told extends Attempt {
  readonly seen: { readonly kind: 'answer'; readonly response: Answered }
}

const isAnswered = (attempt: Attempt): attempt is Told => attempt.seen.kind === 'answer'

/** What a client sees of a process that dies, is not there, or whose socket it has cut itself. */
const broken: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'CUT'])

const shown = ({ status, body }: Answered): string => `${status} ${body.slice(0, 120)}`

type Found = Omit<Breach, 'of'>

/**
 * The answers to one key against each other and against its recorded outcome: promises 2 to 5.
 *
 * - whoever was acknowledged (202, or told the outcome) has an outcome
 * - all that were told the outcome were told the same, which is what is recorded; one at most that it was executed
 * - a misused key is answered 422, and nothing else is; with several gateways another one may not know yet that the key is
 *   taken, and answer 202, as long as nobody was told the outcome (the streams and ledgers show that it came to nothing)
 * - once the outcome was told, nobody is told that the command still runs
 */
export function checkAnswers(
  attempts: readonly Attempt[],
  { outcome, gateways }: { readonly outcome: OutcomeRecord | undefined; readonly gateways: number },
): readonly Found[] {
  const answers = attempts.filter(isAnswered)
  const own = answers.filter(({ misused }) => !misused)
  const told = own.filter(({ seen }) => isRecorded(seen.response))
  return [
    ...attempts.flatMap(checkConnection),
    ...answers.filter((attempt) => !isUnawareOf(attempt, { told, gateways })).flatMap(checkForm),
    ...checkAcknowledged(own, outcome),
    ...checkSame(told, outcome),
    ...checkOrder(own, told),
  ]
}

function checkConnection({ seen }: Attempt): readonly Found[] {
  if (seen.kind === 'answer' || broken.has(seen.code)) return []
  return [{ promise: 5, what: `no answer: ${seen.code}` }]
}

/** True for a misuse that was answered 202 before anybody was told the outcome, where there are several gateways. */
function isUnawareOf(
  { misused, sentAt, seen: { response } }: Told,
  { told, gateways }: { readonly told: readonly Told[]; readonly gateways: number },
): boolean {
  return misused && gateways > 1 && response.status === 202 && told.every(({ endedAt }) => sentAt < endedAt)
}

function checkForm({ misused, seen: { response } }: Told): readonly Found[] {
  const { status } = response
  if (status === 503) return []
  if (misused) return status === 422 ? [] : [{ promise: 4, what: `a misused key was answered ${shown(response)}` }]
  if (status === 422) return [{ promise: 4, what: 'the right request was answered 422' }]
  if (status === 202 || isRecorded(response)) return []
  return [{ promise: 5, what: `an answer of no promise: ${shown(response)}` }]
}

function checkAcknowledged(own: readonly Told[], outcome: OutcomeRecord | undefined): readonly Found[] {
  if (outcome !== undefined) return []
  const acknowledged = own.some(({ seen: { response } }) => response.status === 202 || isRecorded(response))
  return acknowledged
    ? [{ promise: 2, what: 'acknowledged, and lost: no outcome is recorded' }]
    : [{ promise: 5, what: 'the key never came to an outcome' }]
}

function checkSame(told: readonly Told[], outcome: OutcomeRecord | undefined): readonly Found[] {
  const found: Found[] = []
  const [first, ...others] = told.map(({ seen }) => seen.response)
  for (const other of others) {
    if (first !== undefined && !isSame(first, other))
      found.push({ promise: 3, what: `two answers differ: ${shown(first)} / ${shown(other)}` })
  }
  if (first !== undefined && outcome !== undefined && !isStored(first, outcome)) {
    found.push({ promise: 3, what: `told ${shown(first)}, and another response is recorded` })
  }
  const executed = told.filter(({ seen }) => seen.response.headers['idempotent-replayed'] === undefined)
  if (executed.length > 1) found.push({ promise: 1, what: `${executed.length} attempts say that they were executed` })
  return found
}

function checkOrder(own: readonly Told[], told: readonly Told[]): readonly Found[] {
  const knownAt = Math.min(...told.map(({ endedAt }) => endedAt))
  const late = own.some(({ sentAt, seen }) => seen.response.status === 202 && sentAt > knownAt)
  return late ? [{ promise: 5, what: '202 after the outcome was told' }] : []
}

/** Headers that belong to an attempt or to the connection; everything else of an outcome is replayed. */
const ofTheAttempt: ReadonlySet<string> = new Set([
  'connection',
  'date',
  'idempotent-replayed',
  'keep-alive',
  'preference-applied',
  'x-request-id',
])

const lasting = ({ headers }: Answered): string =>
  JSON.stringify(
    Object.entries(headers)
      .filter(([name]) => !ofTheAttempt.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )

const isSame = (one: Answered, other: Answered): boolean =>
  one.status === other.status && one.body === other.body && lasting(one) === lasting(other)

const isStored = (told: Answered, { response }: OutcomeRecord): boolean =>
  told.status === response.status &&
  told.body === response.body &&
  Object.entries(response.headers).every(([name, value]) => told.headers[name] === value)
