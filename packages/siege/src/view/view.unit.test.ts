import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../exit-code.ts'
import type { SiegeResult } from '../run-siege.ts'
import { resultJson } from '../command.ts'
import { resultHtml } from './html.ts'
import { liveText } from './live.ts'
import { resultTable } from './table.ts'

const hostile = '\u001b[2J<script>alert(1)</script>'
const base = { looksFor: 'a hole', durationMs: 12.4, attempts: 3, notes: [], samples: [] }

const result: SiegeResult = {
  target: { method: 'POST', url: 'http://127.0.0.1:1/pay' },
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 1_234,
  seed: 7,
  verdict: 'fail',
  counts: { pass: 1, fail: 1, deviates: 0, skipped: 1, inconclusive: 0 },
  scenarios: [
    {
      ...base,
      id: 'a',
      title: 'First',
      verdict: 'fail',
      outcomes: { '201': 2, timeout: 1 },
      findings: [`${hostile} is wrong`],
      samples: [{ label: 'answer', status: 201, body: hostile }],
      effects: { expected: '1', counted: 2 },
    },
    { ...base, id: 'b', title: 'Second', verdict: 'pass', outcomes: { '201': 3 }, findings: [] },
    { ...base, id: 'c', title: 'Third', verdict: 'skipped', outcomes: {}, findings: [], notes: ['no body is known'] },
  ],
  traffic: { attempts: 6, outcomes: { '201': 5, timeout: 1 }, latencyMs: { p50: 1, p90: 2, p99: 3, max: 4 } },
  attempts: [
    { scenario: 'a', startedMs: 1, durationMs: 2, outcome: '201' },
    { scenario: 'b', startedMs: 2, durationMs: 20, outcome: 'timeout' },
  ],
}

describe('the table', () => {
  const text = stripVTControlCharacters(resultTable(result, { columns: 100 }))

  test('has every scenario with its verdict, effects, and what was found', () => {
    for (const part of ['First', 'fail', '2 × 201, 1 × timeout', '2 of 1', 'is wrong', 'Second', 'pass', '3 × 201']) {
      expect(text).toContain(part)
    }
    expect(text).toContain('- Third: no body is known')
    expect(text).toContain('fail: 1 pass, 1 fail, 1 skipped')
    for (const line of text.split('\n').filter((one) => one.startsWith('│')))
      expect(line.length).toBeLessThanOrEqual(100)
  })

  test('lets no control sequence of the target through', () => {
    expect(text).toContain('\ufffd[2J<script>')
    expect(resultTable(result)).not.toContain('\u001b[2J')
  })

  test('what a SHOULD asks for is departed from, not failed', () => {
    const [first] = result.scenarios
    if (first === undefined) throw new Error('there is one')
    const cites = { section: '2.6', level: 'SHOULD' } as const
    const profiled = stripVTControlCharacters(resultTable({ ...result, scenarios: [{ ...first, cites }] }))
    expect(profiled).toContain('deviates')
    expect(profiled).toContain('2.6 SHOULD')
  })
})

test('the live view: where it stands, in lines that fit', () => {
  const progress = {
    scenario: 'Second with a name that is quite long, longer than the terminal is wide, so that it is cut',
    finished: [{ title: 'First', verdict: 'fail' }],
    scenarios: 4,
    attempts: 50,
    maxRequests: 200,
    inFlight: 7,
    elapsedMs: 1_500,
    maxTimeMs: 300_000,
    outcomes: new Map([
      ['201', 40],
      [`x${hostile}`, 3],
    ]),
    distinctBodies: 2,
  }
  const lines = stripVTControlCharacters(liveText(progress, 80)).split('\n')
  expect(lines[0]).toMatch(/^fail +First$/)
  expect(lines[1]).toMatch(/^running +Second.*…$/)
  expect(lines[2]).toBe('██████░░░░░░░░░░░░░░░░░░ 1 of 4 scenarios, 1.5 of 300 s')
  expect(lines[3]).toBe('██████░░░░░░░░░░░░░░░░░░ 50 of at most 200 attempts')
  expect(lines[4]).toContain('in flight 7 · distinct answers 2 · 201: 40')
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
})

test('the HTML report: charts and evidence, and hostile answers are text', async () => {
  const html = await resultHtml(result)
  expect(html.match(/<img class="chart"/g)).toHaveLength(4)
  expect(html).toContain('&lt;script&gt;')
  expect(html).not.toContain('<script')
  expect(html).toContain('2 counted, 1 expected')
  expect(await resultHtml({ ...result, attempts: [] })).toContain('No attempt was made.')
})

test('the JSON holds everything but the single attempts', () => {
  const { attempts: _attempts, ...rest } = result
  expect(JSON.parse(resultJson(result))).toEqual(rest)
})

test.each([
  [{ verdict: 'pass' }, 0],
  [{ verdict: 'fail' }, 1],
  [{ verdict: 'inconclusive' }, 5],
  [{ verdict: 'fail', stopped: 'interrupted' }, 130],
  [{ verdict: 'fail', stopped: 'time' }, 1],
] as const)('%j ends with code %i', (ended, code) => {
  expect(exitCodeOf(ended)).toBe(code)
})
