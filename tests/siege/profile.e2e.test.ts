import { profiles } from '@holdfast/siege'
import { describe, expect, test } from 'vitest'
import { besiege, patience } from './besiege.ts'
import { defects, type Defect } from './defects.ts'

const profile = 'draft-idempotency-key'

/** For each check a server that departs from it, and what is found. */
const mustFail: readonly (readonly [check: string, defect: Defect, finding: RegExp])[] = [
  ['string-key', 'refuses-quoted', /the key came to no success: 400/],
  ['malformed-string', 'ignores-malformed-key', /a quote without its end: answered 201/],
  ['bare-key', 'quoted-is-other', /the bare form of the key is another key: 201/],
  ['fingerprint', 'compares-bytes', /the same JSON, written another way: 422/],
  ['documentation', 'plain-errors', /a refusal links to no documentation/],
  ['documentation', 'dead-docs', /\/docs was answered 404/],
  ['retry-success', 'fresh-replay', /different successes for one key/],
  ['retry-error', 'locks-refused', /the error was answered anew/],
  ['concurrent', 'check-then-set', /in place of a 409/],
  ['missing', 'plain-errors', /a missing key is answered 410\na 410 links to no documentation/],
  ['missing', 'executes-without-key', /a missing key is answered 201/],
  ['reused', 'plain-errors', /another payload is answered 432/],
  ['reused', 'ignores-body', /another payload is answered 201/],
  ['uncorrected', 'executes-mismatch', /another payload under the same key was answered 201/],
  ['key-format', 'cuts-off-key', /a key of 4,000 characters is answered 201/],
  ['composite-key', 'ignores-tenant', /the other tenant received the answer of the first/],
]

describe(`${profile}: a check that cannot fail is a defect`, () => {
  test.each(mustFail)('%s finds a server that: %s', async (check, defect, finding) => {
    const options = { profile, only: [check], ...patience(defect) } as const
    const result = await besiege({ defects: [defect], workMs: 100, conflict: check !== 'concurrent' }, options)
    const [found] = result.scenarios
    expect(found?.findings.join('\n'), defects[defect]).toMatch(finding)
    expect(found?.verdict).toBe('fail')
    expect(result.verdict, 'only a MUST fails it all').toBe(found?.cites?.level === 'MUST' ? 'fail' : 'inconclusive')
  })

  test('every check is in that table', () => {
    expect([...new Set(mustFail.map(([check]) => check))].sort()).toEqual(profiles[profile].map(({ id }) => id).sort())
  })
})

test('a server that does what the draft says passes', async () => {
  const result = await besiege({ conflict: true, workMs: 100 }, { profile })
  expect(result.scenarios.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
  expect(result.verdict).toBe('pass')
  for (const { cites } of result.scenarios) expect(cites?.section).toMatch(/^[25]/)
})

test('to wait for the first attempt departs from a SHOULD: it is said, and fails nothing', async () => {
  const result = await besiege({ workMs: 100 }, { profile })
  expect(result.scenarios.filter(({ verdict }) => verdict !== 'pass').map(({ id }) => id)).toEqual(['concurrent'])
  expect(result.byId.get('concurrent')?.findings).toEqual([
    'a retry waits for the result of the first, in place of a 409',
  ])
  expect(result.verdict).toBe('pass')
})
