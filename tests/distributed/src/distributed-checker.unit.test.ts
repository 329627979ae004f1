import { commandIdOf, type IdempotencyKey, type RecordedEvent, type Tenant } from '@holdfast/core'
import type { HttpResponse } from '@holdfast/testing/http'
import { describe, expect, test } from 'vitest'
import { findBreaches } from '../../support/distributed-checker.ts'
import type { KeyHistory, Observation } from '../../support/distributed-history.ts'

const key = 'a-key'
const commandId = commandIdOf('default' as Tenant, key as IdempotencyKey)
const intent = { key, path: '/api/order', json: { product_id: 'abc', quantity: 2 } }
const body = '{"order_id":"1"}'
const location = `/commands/${commandId}`

const response = (status: number, text: string, headers: Record<string, string>): HttpResponse => ({
  status,
  headers,
  rawHeaders: Object.entries(headers).flat(),
  body: text,
  bytes: Buffer.from(text),
})

const told = (changes: { readonly body?: string; readonly headers?: Record<string, string>; status?: number } = {}) =>
  response(changes.status ?? 201, changes.body ?? body, {
    location,
    'idempotency-expires': '2030-01-01T00:00:00Z',
    'content-type': 'application/json; charset=utf-8',
    ...changes.headers,
  })
const replayed = { 'idempotent-replayed': 'true' }
const accepted = response(202, '{}', { location, 'retry-after': '1' })
const problem = (code: string, retryable: boolean) =>
  JSON.stringify({ type: `/problems/${code}`, title: 'x', status: 503, detail: 'x', instance: 'x', retryable })
const unavailable = response(503, problem('unavailable', true), { location, 'retry-after': '1' })
const broken = { kind: 'broken', code: 'ECONNRESET' } as const

const historyOf = (
  ...results: readonly (HttpResponse | typeof broken | { kind: 'broken'; code: string })[]
): KeyHistory => ({
  intent,
  observations: results.map((result, at): Observation => {
    const seen = 'kind' in result ? result : { kind: 'answer' as const, response: result }
    return { gateway: 'http://127.0.0.1:1', sentAt: 2 * at, endedAt: 2 * at + 1, result: seen }
  }),
})

const event = (revision: number, metadata: Record<string, unknown> = {}): RecordedEvent => ({
  id: `event-${revision}`,
  type: 'OrderPlaced',
  data: {},
  stream: `command-${commandId}`,
  revision: BigInt(revision),
  position: BigInt(revision),
  recordedAtMs: 0,
  metadata: { v: 1, generation: 1, fingerprint: 'f', attemptId: 'attempt-1', ...metadata },
})
const envelope = { envelope: { key } }
const outcome = {
  outcome: { response: { status: 201, body, headers: { 'content-type': 'application/json; charset=utf-8' } } },
}
const whole = [event(0, { ...envelope, ...outcome })]
const inTwo = [event(0, envelope), event(1, outcome)]

const breaches = (history: KeyHistory, events: readonly RecordedEvent[]): readonly string[] =>
  findBreaches([history], new Map([[commandId, events]]))

describe('a history in which all promises are kept', () => {
  test.each<[string, KeyHistory, readonly RecordedEvent[]]>([
    ['one answer', historyOf(told()), whole],
    ['an answer and its replays', historyOf(told(), told({ headers: replayed }), told({ headers: replayed })), whole],
    ['202, then the outcome', historyOf(accepted, told({ headers: replayed })), inTwo],
    [
      '503 and broken connections, then the outcome',
      historyOf(unavailable, broken, told({ headers: replayed })),
      inTwo,
    ],
    ['503 behind the outcome', historyOf(told(), unavailable), whole],
    ['nobody was told that it was executed', historyOf(broken, told({ headers: replayed })), whole],
    ['nobody was told anything, and it came to its outcome', historyOf(broken), whole],
  ])('%s', (_what, history, events) => {
    expect(breaches(history, events)).toEqual([])
  })
})

describe('a history with a breach is refused', () => {
  const other = told({ body: '{"order_id":"2"}', headers: replayed })
  const overtaken: KeyHistory = {
    intent,
    observations: [
      { gateway: '', sentAt: 0, endedAt: 1, result: { kind: 'answer', response: told() } },
      { gateway: '', sentAt: 2, endedAt: 3, result: { kind: 'answer', response: accepted } },
    ],
  }
  const cases: readonly (readonly [string, KeyHistory, readonly RecordedEvent[], string])[] = [
    ['two outcomes on the stream', historyOf(told()), [...whole, event(1, outcome)], '2 outcomes'],
    ['an event behind the outcome', historyOf(told()), [...whole, event(1)], 'behind the outcome'],
    [
      'two attempts',
      historyOf(told()),
      [inTwo[0] ?? event(0), event(1, { ...outcome, attemptId: 'other' })],
      '2 attempts',
    ],
    ['two generations', historyOf(told()), [event(0, envelope), event(1, { ...outcome, generation: 2 })], 'generation'],
    ['a gap', historyOf(told()), [event(0, envelope), event(2, outcome)], 'a gap'],
    ['no envelope', historyOf(told()), [event(0, outcome)], '0 envelopes'],
    ["another key's envelope", historyOf(told()), [event(0, { envelope: { key: 'b' }, ...outcome })], 'another key'],
    ['told, and not stored', historyOf(told()), [], 'lost'],
    ['accepted, and not stored', historyOf(accepted), [], 'lost'],
    ['accepted, and never decided', historyOf(accepted), [event(0, envelope)], 'lost'],
    ['refused for now, and never decided', historyOf(unavailable), [event(0, envelope)], 'never came'],
    ['two bodies', historyOf(told(), other), whole, 'two answers differ'],
    ['two statuses', historyOf(told(), told({ status: 200, headers: replayed })), whole, 'two answers differ'],
    ['two declared headers', historyOf(told(), told({ headers: { ...replayed, etag: '"1"' } })), whole, 'two answers'],
    [
      'another time of expiry',
      historyOf(told(), told({ headers: { ...replayed, 'idempotency-expires': '2031-01-01T00:00:00Z' } })),
      whole,
      'two answers differ',
    ],
    ['two that were executed', historyOf(told(), told()), whole, '2 attempts say'],
    ['told another thing than is stored', historyOf(other), whole, 'stored'],
    ['told another status than is stored', historyOf(told({ status: 200 })), whole, 'stored'],
    ['told without a declared header', historyOf(told({ headers: { 'content-type': 'text/plain' } })), whole, 'stored'],
    ['202 after the outcome', overtaken, whole, '202 after'],
    ['an answer of no promise', historyOf(response(500, 'x', { location }), told()), whole, 'no promise'],
    ['202 without Retry-After', historyOf(response(202, '{}', { location }), told()), whole, 'without Retry-After'],
    ['503 without Retry-After', historyOf(response(503, unavailable.body, { location }), told()), whole, 'Retry-After'],
    ['503 that is no problem', historyOf(response(503, 'x', unavailable.headers), told()), whole, 'unknown refusal'],
    [
      '503 of another code',
      historyOf(response(503, problem('internal', false), unavailable.headers), told()),
      whole,
      'unknown refusal',
    ],
    ["another command's Location", historyOf(told({ headers: { location: '/commands/0' } })), whole, 'Location'],
    ['an attempt that was never answered', historyOf({ kind: 'broken', code: 'timeout' }, told()), whole, 'no answer'],
  ]
  test.each(cases.map(([what, history, events, breach]) => ({ what, history, events, breach })))(
    '$what',
    ({ history, events, breach }) => {
      const found = breaches(history, events)
      expect(found.join('\n')).toContain(breach)
      expect(found.every((line) => line.startsWith(`${key}: `))).toBe(true)
    },
  )
})
