import { scenarios } from '@holdfast/siege'
import { describe, expect, test } from 'vitest'
import { besiege, patience } from './besiege.ts'
import { defects, type Defect } from './defects.ts'

/** For each scenario a server that must not get through, and what is found wrong with it. */
const mustFail: readonly (readonly [scenario: string, defect: Defect, finding: RegExp])[] = [
  ['simultaneous-50', 'check-then-set', /different successes for one key/],
  ['simultaneous-50', 'hidden-double', /the ledger counts \d+ effects, and at most 1 are right/],
  ['simultaneous-50', 'fails-under-load', /attempts: answered 500/],
  ['simultaneous-100', 'check-then-set', /different successes for one key/],
  ['simultaneous-100', 'hidden-double', /the ledger counts \d+ effects/],
  ['burst-100', 'check-then-set', /different successes for one key/],
  ['while-running', 'hangs', /attempts: no answer in time/],
  ['while-running', 'check-then-set', /different successes for one key/],
  ['while-running', 'waits-for-nobody', /answered 500/],
  ['cut-after-send', 'drops-abandoned', /the key came to no success: still 409/],
  ['cut-after-send', 'hidden-double', /the ledger counts \d+ effects, and at most 10 are right/],
  ['cut-during-answer', 'records-on-delivery', /not the beginning of the answer|the ledger counts/],
  ['after-success', 'fresh-replay', /different successes for one key/],
  ['after-refusal', 'locks-refused', /refused with 402, then answered 409/],
  ['after-failure', 'forgets-failed', /the ledger counts \d+ effects, and at most 1 are right/],
  ['after-failure', 'locks-failed', /the key is stuck: it still answers 409/],
  ['other-body', 'ignores-body', /another body got the answer of the first/],
  ['other-body', 'executes-mismatch', /another body was executed under the same key/],
  ['other-body', 'poisoned-by-mismatch', /the original request no longer gets its answer: answered 422/],
  ['other-route', 'ignores-operation', /the other route gave the answer of the first/],
  ['reordered-json', 'compares-bytes', /the same JSON, written another way, was refused with 422/],
  ['reordered-json', 'takes-same-body-for-retry', /was executed again/],
  ['new-key-same-body', 'takes-same-body-for-retry', /the second request got the answer of the first/],
  ['quoted-and-bare-key', 'quoted-is-other', /the quoted key was executed again/],
  ['key-missing', 'executes-without-key', /without a key the request was executed/],
  ['key-malformed', 'ignores-malformed-key', /a quote without its end: executed at each attempt, unprotected/],
  ['key-malformed', 'empty-is-a-key', /an empty key is taken for a key/],
  ['key-too-long', 'cuts-off-key', /a key of 300 characters is cut off/],
  ['key-too-long', 'ignores-malformed-key', /executed at each attempt, unprotected/],
  ['other-tenant', 'ignores-tenant', /the other tenant received the answer of the first/],
  ['storm', 'check-then-set', /different successes for one key/],
  ['storm', 'poisoned-by-mismatch', /answered 422|came to no success/],
  ['storm', 'executes-mismatch', /another body under a key got a success/],
  ['baseline', 'small-memory', /different successes for one key/],
  ['baseline', 'misses-effects', /the ledger counts \d+ effects, and 60 were acknowledged/],
  ['restart', 'forgets-on-restart', /the original request no longer gets its answer/],
]

describe('a check that cannot fail is a defect', () => {
  test.each(mustFail)('%s finds a server that: %s', async (scenario, defect, finding) => {
    const result = await besiege({ defects: [defect], workMs: 100 }, { only: [scenario], ...patience(defect) })
    expect(result.scenarios[0]?.findings.join('\n'), defects[defect]).toMatch(finding)
    expect(result.verdict).toBe('fail')
  })

  test('every scenario is in that table', () => {
    expect([...new Set(mustFail.map(([scenario]) => scenario))].sort()).toEqual(scenarios.map(({ id }) => id).sort())
  })
})

describe('a server without defects passes everything', () => {
  test.each([
    ['that lets retries wait', {}],
    ['that answers 409 while the first attempt runs', { conflict: true }],
    ['that is slow', { workMs: 120 }],
  ])('%s', async (_, server) => {
    const result = await besiege(server)
    expect(result.scenarios.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
    expect(result.verdict).toBe('pass')
    expect(result.scenarios.map(({ id }) => id)).toEqual(scenarios.map(({ id }) => id))
    for (const { effects } of result.scenarios) expect(effects).toBeDefined()
  })
})

test('what only the effects tell passes without a ledger', async () => {
  const options = { only: ['simultaneous-50'], noLedger: true }
  const result = await besiege({ defects: ['hidden-double'], workMs: 100 }, options)
  expect(result.byId.get('simultaneous-50')).toMatchObject({ verdict: 'pass' })
  expect(result.byId.get('simultaneous-50')?.effects).toBeUndefined()
})

test('a restart that never ends does not keep the siege from its end; one that fails is no verdict', async () => {
  const restart = () => new Promise<never>(() => undefined)
  const endless = await besiege({}, { only: ['restart'], restart, maxTimeMs: 2_000 })
  expect(endless).toMatchObject({ verdict: 'inconclusive', stopped: 'time' })
  const failing = await besiege({}, { only: ['restart'], restart: 'echo out of order >&2; exit 3' })
  expect(failing.byId.get('restart')).toMatchObject({
    verdict: 'inconclusive',
    notes: [expect.stringMatching(/ended with code 3[^]*out of order/)],
  })
})
