import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scenarios } from '@holdfast/siege'
import { temporaryFolder } from '@holdfast/testing/processes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resultOf, siege } from './command.ts'
import { apiKeys, failingQuantity, startShop, type Shop } from './shop.ts'

let shop: Shop

beforeAll(async () => {
  shop = await startShop()
})

afterAll(async () => {
  await shop[Symbol.asyncDispose]()
})

/** The example's order, with all that siege can be told about it. */
const everything = (): readonly string[] => [
  shop.url,
  ...['--header', `Authorization: Bearer ${apiKeys.one}`],
  ...['--other-tenant', `Authorization: Bearer ${apiKeys.two}`],
  ...['--failure-body', `{"product_id":"abc","quantity":${failingQuantity}}`],
  ...['--ledger', shop.ledgerUrl],
  ...[
    '--restart-command',
    `${process.execPath} -e "fetch('${shop.restartUrl}').then((r) => process.exit(r.ok ? 0 : 1))"`,
  ],
]

test('Holdfast passes all scenarios: one effect per key, by the payment provider’s own ledger', async () => {
  await using folder = await temporaryFolder()
  const html = join(folder.path, 'report.html')
  const run = await siege(...everything(), '--requests', '120', '--json', '--html', html)
  const result = resultOf(run)
  expect(result.scenarios.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
  expect(result.scenarios.map(({ id }) => id)).toEqual(scenarios.map(({ id }) => id))
  expect({ verdict: result.verdict, counts: result.counts, code: run.code }).toEqual({
    verdict: 'pass',
    counts: { pass: scenarios.length, fail: 0, deviates: 0, skipped: 0, inconclusive: 0 },
    code: 0,
  })
  for (const { id, effects } of result.scenarios) expect(effects, id).toBeDefined()
  expect(await readFile(html, 'utf8')).toMatch(/^<!doctype html>[^]*A mixed storm[^]*<\/html>\n$/)
})

test('without knowing more than the address, it does what it can, and says what it left out', async () => {
  const run = await siege(shop.url, '-H', `Authorization: Bearer ${apiKeys.one}`, '--requests', '20')
  expect(run.stdout).toMatch(/pass: \d+ pass, 3 skipped/)
  expect(run.stdout).toContain('- The server restarts: no command is known that restarts the target')
  expect(run.code).toBe(0)
})

test('the draft’s profile: every MUST holds; waiting for the first attempt, where the draft has a 409, is said', async () => {
  const run = await siege(...everything(), '--profile', 'draft-idempotency-key', '--json')
  const result = resultOf(run)
  const deviations = result.scenarios.filter(({ verdict }) => verdict !== 'pass')
  expect(deviations.map(({ id, cites, findings }) => ({ id, level: cites?.level, findings }))).toEqual([
    { id: 'concurrent', level: 'SHOULD', findings: ['a retry waits for the result of the first, in place of a 409'] },
  ])
  expect({ verdict: result.verdict, code: run.code }).toEqual({ verdict: 'pass', code: 0 })
})
