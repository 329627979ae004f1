import { createHash } from 'node:crypto'
import { outcomeLabel, type Answer, type Attempt } from './attempt.ts'

/** What counts as the same answer, and as none yet. */
export interface Reading {
  /** Dotted paths of JSON members that do not count. */
  readonly ignore: readonly string[]
  readonly acceptedIsFinal: boolean
}

/** Of status, content type and body: equal for answers that are the same. Short, as thousands of them are kept. */
export function fingerprintOf(answer: Answer, ignore: readonly string[] = []): string {
  const body = ignore.length === 0 ? answer.body : without(answer.body, ignore)
  return `${answer.status} ${answer.headers['content-type'] ?? ''} ${createHash('sha256').update(body).digest('base64')}`
}

function without(body: Buffer, paths: readonly string[]): Buffer | string {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    for (const path of paths) remove(value, path.split('.'))
    return JSON.stringify(value)
  } catch {
    return body
  }
}

function remove(value: unknown, path: readonly string[]): void {
  const [name, ...rest] = path
  if (typeof value !== 'object' || value === null || name === undefined || !Object.hasOwn(value, name)) return
  const members = value as Record<string, unknown>
  if (rest.length === 0) Reflect.deleteProperty(members, name)
  else remove(members[name], rest)
}

export const isSuccess = (answer: Answer): boolean => answer.status >= 200 && answer.status < 300

/**
 * Says "not yet, come again": 409 and 425 while the first attempt runs, 429 and 503 under load, and 202 unless that is
 * the operation's answer. A 409 can also be a refusal: only a retry tells the two apart.
 */
export const isPending = (answer: Answer, { acceptedIsFinal }: Reading): boolean =>
  [409, 425, 429, 503].includes(answer.status) || (answer.status === 202 && !acceptedIsFinal)

export const isFinalSuccess = (answer: Answer, reading: Reading): boolean =>
  isSuccess(answer) && !isPending(answer, reading)

/**
 * Holds the attempts of one request against the answer that its key finally gives: each must have got that answer, or a
 * "not yet". Returns what is wrong, in words; empty when nothing is.
 */
export function judgeAttempts(attempts: readonly Attempt[], final: Answer, reading: Reading): readonly string[] {
  const expected = fingerprintOf(final, reading.ignore)
  const others = new Map<string, number>()
  const wrong: string[] = []
  const count = (label: string): void => void others.set(label, (others.get(label) ?? 0) + 1)
  const successes = new Set<string>()
  for (const { outcome } of attempts) {
    if (outcome.kind === 'cut') continue
    if (outcome.kind === 'failed') {
      count(outcome.code === 'timeout' ? 'no answer in time' : `no answer (${outcomeLabel(outcome)})`)
      continue
    }
    const fingerprint = fingerprintOf(outcome.answer, reading.ignore)
    if (fingerprint === expected || isPending(outcome.answer, reading)) continue
    if (isSuccess(outcome.answer)) successes.add(fingerprint)
    else count(`answered ${outcome.answer.status}`)
  }
  if (successes.size > 0) wrong.push(`${successes.size + 1} different successes for one key`)
  for (const [label, times] of others) wrong.push(`${times} of ${attempts.length} attempts: ${label}`)
  return wrong
}
