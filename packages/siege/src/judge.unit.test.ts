import { describe, expect, test } from 'vitest'
import type { Answer, Attempt, Outcome } from './attempt.ts'
import { fingerprintOf, isPending, judgeAttempts } from './judge.ts'
import { countIn } from './ledger.ts'
import { createReport } from './report.ts'
import { trafficOf } from './traffic.ts'

const answer = (status: number, body = ''): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(body),
})
const attempt = (outcome: Outcome): Attempt => ({ outcome, startedMs: 0, durationMs: 1 })
const answered = (status: number, body?: string) => attempt({ kind: 'answered', answer: answer(status, body) })
const reading = { ignore: [], acceptedIsFinal: false }

describe('judgeAttempts', () => {
  const judge = (...attempts: readonly Attempt[]) => judgeAttempts(attempts, answer(201, 'a'), reading)

  test('the final answer, "not yet", and a cut of our own are right', () => {
    const pending = [202, 409, 425, 429, 503].map((status) => answered(status, 'wait'))
    expect(judge(answered(201, 'a'), ...pending, attempt({ kind: 'cut', received: Buffer.alloc(0) }))).toEqual([])
  })

  test('other bodies, other statuses and no answer are wrong, each counted', () => {
    expect(judge(answered(201, 'a'), answered(201, 'b'), answered(200, 'a'))).toEqual([
      '3 different successes for one key',
    ])
    expect(judge(answered(500), answered(500), answered(422))).toEqual([
      '2 of 3 attempts: answered 500',
      '1 of 3 attempts: answered 422',
    ])
    const failed = (code: string) => attempt({ kind: 'failed', code })
    expect(judge(failed('timeout'), failed('ECONNRESET'))).toEqual([
      '1 of 2 attempts: no answer in time',
      '1 of 2 attempts: no answer (ECONNRESET)',
    ])
  })

  test('202 is an answer where the caller says so', () => {
    expect(isPending(answer(202), reading)).toBe(true)
    expect(isPending(answer(202), { ...reading, acceptedIsFinal: true })).toBe(false)
  })
})

test('members that may differ do not count; everything else does', () => {
  const of = (body: string, ignore: readonly string[]) => fingerprintOf(answer(200, body), ignore)
  expect(of('{"a":1,"meta":{"id":1,"x":2}}', ['meta.id'])).toBe(of('{"a":1,"meta":{"id":2,"x":2}}', ['meta.id']))
  expect(of('{"a":1,"meta":{"x":3}}', ['meta.id'])).not.toBe(of('{"a":1,"meta":{"x":2}}', ['meta.id']))
  expect(of('no json', ['a'])).toBe(of('no json', ['a']))
  expect(of('{"a":1}', [])).not.toBe(of('{"a": 1}', []))
  expect(fingerprintOf(answer(200))).not.toBe(fingerprintOf(answer(201)))
})

test('a ledger is a number, or a list, at a path', () => {
  expect(countIn('3')).toBe(3)
  expect(countIn('[1,2]')).toBe(2)
  expect(countIn('{"data":{"orders":[1]}}', 'data.orders')).toBe(1)
  expect(() => countIn('{"data":"x"}', 'data')).toThrow('no number at data')
  expect(() => countIn('{}')).toThrow('no number')
  expect(() => countIn('<html>')).toThrow('no JSON')
})

test('a report: findings weigh more than doubt; equal ones are counted; samples are few, different and short', () => {
  const report = createReport([])
  expect(report.verdict()).toBe('pass')
  report.inconclusive('cannot tell')
  expect(report.verdict()).toBe('inconclusive')
  for (let at = 0; at < 3; at++) report.finding('wrong')
  expect(report.verdict()).toBe('fail')
  for (let at = 0; at < 20; at++) report.sample(`sample ${at}`, answer(200, String(at % 15).padEnd(1_000, 'x')))
  const { findings, notes, samples } = report.evidence()
  expect({ findings, notes }).toEqual({ findings: ['wrong (3 times)'], notes: ['cannot tell'] })
  expect(samples).toHaveLength(6)
  expect(samples[0]?.body).toHaveLength(400)
})

test('traffic: outcomes by frequency, latencies of answers only', () => {
  const record = (outcome: string, durationMs: number) => ({ scenario: 's', startedMs: 0, durationMs, outcome })
  const records = Array.from({ length: 100 }, (_, at) => record(at < 60 ? '201' : '409', at + 1))
  expect(trafficOf([...records, record('cut', 9_999), record('timeout', 9_999)])).toEqual({
    attempts: 102,
    outcomes: { '201': 60, '409': 40, cut: 1, timeout: 1 },
    latencyMs: { p50: 50, p90: 90, p99: 99, max: 100 },
  })
  expect(trafficOf([]).latencyMs).toBeUndefined()
})
