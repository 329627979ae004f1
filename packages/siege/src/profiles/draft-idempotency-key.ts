import { answersOf, type Answer } from '../attempt.ts'
import type { Field } from '../field.ts'
import { formattedKey, quoted, type Intent, type Variation } from '../intent.ts'
import { fingerprintOf, isFinalSuccess, isSuccess } from '../judge.ts'
import { rewritten } from '../json-variants.ts'
import { sampleAll, type Report } from '../report.ts'
import { concludeKey, firstSuccess, successIn } from '../scenarios/conclude.ts'
import { retryWhileRunning } from '../scenarios/concurrent.ts'
import { oneByOne } from '../scenarios/cut.ts'
import { differentBody } from '../scenarios/other-request.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { documentationLink } from './documentation-link.ts'

/*
 * What draft-ietf-httpapi-idempotency-key-header-07 says about a server, as far as it can be seen from outside. Section
 * 2.3 (an expiry policy is published) cannot.
 */

interface Parts {
  readonly field: Field
  readonly report: Report
}

/** The answer to one attempt; a finding when there is none. */
async function answerTo({ field, report }: Parts, intent: Intent, variation?: Variation): Promise<Answer | undefined> {
  const attempt = await field.send(intent, variation)
  report.attempts([attempt])
  const [answer] = answersOf([attempt])
  if (answer === undefined) report.finding('an attempt got no answer')
  return answer
}

const equal = (field: Field, a: Answer, b: Answer): boolean =>
  fingerprintOf(a, field.plan.ignore) === fingerprintOf(b, field.plan.ignore)

const stringKey: Scenario = {
  id: 'string-key',
  title: 'A key that is an RFC 8941 String is taken',
  looksFor: 'a server that takes keys in a form of its own only',
  cites: { section: '2.1', level: 'MUST' },
  async run(field, report) {
    const intent = field.intent()
    const settled = await field.settle(intent, { keyValues: [quoted(intent.key)] })
    report.attempts(settled)
    successIn({ field, report }, settled)
  },
}

const malformedString: Scenario = {
  id: 'malformed-string',
  title: 'What RFC 8941 cannot parse is no key',
  looksFor:
    'a malformed String that is executed; RFC 8941 section 4.2 has the field ignored, and 2.7 a missing one refused',
  cites: { section: '2.1', level: 'MUST' },
  async run(field, report) {
    for (const [name, write] of [
      ['a quote without its end', (key: string) => `"${key}`],
      ['an escape that there is not', (key: string) => String.raw`"${key}\x"`],
      ['text behind the quotes', (key: string) => `"${key}" x`],
    ] as const) {
      const intent = field.intent()
      const answer = await answerTo({ field, report }, intent, { keyValues: [write(intent.key)] })
      if (answer === undefined) continue
      if (isSuccess(answer)) report.effects(0, 1)
      if (answer.status < 400 || answer.status > 499) report.finding(`${name}: answered ${answer.status}`)
      else report.note(`${name}: ${answer.status}`)
    }
  },
}

const bareKey: Scenario = {
  id: 'bare-key',
  title: 'A bare key is refused, or is the same key as the quoted one',
  looksFor: 'two keys where the client means one: most clients send no quotes',
  cites: { section: '2.1', level: 'MAY' },
  async run(field, report) {
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    const other = field.plan.keyFormat === 'quoted' ? 'bare' : 'quoted'
    const keyValues = [formattedKey(intent.key, other)]
    const answer = original && (await answerTo({ field, report }, intent, { keyValues }))
    if (original === undefined || answer === undefined) return
    if (answer.status === 400) report.note(`the ${other} form is refused`)
    else if (!equal(field, answer, original))
      report.finding(`the ${other} form of the key is another key: ${answer.status}`)
    if (isSuccess(answer)) report.effects(0, 1)
  },
}

const retrySuccess: Scenario = {
  id: 'retry-success',
  title: 'A retry after completion gets the earlier result',
  looksFor: 'a retry of a success that gets something else',
  cites: { section: '2.6', level: 'SHOULD' },
  async run(field, report) {
    const intent = field.intent()
    await concludeKey({ field, report }, intent, await oneByOne(field, intent, [0, 0, 50]))
  },
}

const retryError: Scenario = {
  id: 'retry-error',
  title: 'A retry after an error gets the earlier result',
  looksFor: 'a retry of an error that gets something else',
  cites: { section: '2.6', level: 'SHOULD' },
  needs: ({ refusalBody }) => (refusalBody === undefined ? 'no body is known that is refused' : undefined),
  async run(field, report) {
    const intent = field.intent(field.plan.refusalBody)
    const attempts = await oneByOne(field, intent, [0, 0, 50])
    report.attempts(attempts)
    const [first, ...retries] = answersOf(attempts)
    if (first === undefined || first.status < 400) {
      report.effects(0, 1)
      report.inconclusive(`the body that should be refused was answered ${first?.status ?? 'not at all'}`)
      return
    }
    if (retries.length === 2 && retries.every((answer) => equal(field, answer, first))) return
    report.finding(
      `the error was answered anew: ${attempts.length - 1} retries, ${new Set(retries.map((one) => fingerprintOf(one, field.plan.ignore))).size} answers`,
    )
    sampleAll(report, attempts)
  },
}

const concurrent: Scenario = {
  id: 'concurrent',
  title: 'A retry while the first is running is a conflict: 409',
  looksFor: 'another answer than 409 to a retry that comes too early',
  cites: { section: '2.6, 2.7', level: 'SHOULD' },
  async run(field, report) {
    for (let round = 0; round < 5; round++) {
      const intent = field.intent(field.plan.slowBody)
      const attempts = await retryWhileRunning(field, intent)
      await concludeKey({ field, report }, intent, attempts)
      const [first, ...retries] = attempts
      const endMs = first === undefined ? 0 : first.startedMs + first.durationMs
      const early = retries.filter(({ startedMs }) => startedMs < endMs)
      if (early.length === 0) continue
      const answers = answersOf(early)
      const conflicts = answers.filter(({ status }) => status === 409)
      report.note(`${early.length} retries came while the first was running: ${conflicts.length} × 409`)
      const waited = answers.filter((answer) => isFinalSuccess(answer, field.reading))
      if (conflicts.length === 0) {
        report.finding(
          waited.length > 0
            ? 'a retry waits for the result of the first, in place of a 409'
            : 'no retry was answered 409',
        )
      }
      for (const answer of conflicts.slice(0, 1)) expectDocument({ field, report }, answer)
      return
    }
    report.inconclusive('the first attempt was always faster: a slow body would tell')
  },
}

const missing: Scenario = {
  id: 'missing',
  title: 'A missing key is refused with 400, and a link to the documentation',
  looksFor: 'a request without a key that gets something else',
  cites: { section: '2.7', level: 'SHOULD' },
  needs: ({ keyOptional }) => (keyOptional ? 'the key is optional here' : undefined),
  async run(field, report) {
    const answer = await answerTo({ field, report }, field.intent(), { keyValues: [] })
    if (answer === undefined) return
    report.sample('without a key', answer)
    if (isSuccess(answer)) report.effects(0, 1)
    if (answer.status !== 400) report.finding(`a missing key is answered ${answer.status}`)
    expectDocument({ field, report }, answer)
  },
}

/** Its answer to a reused key, after a success of the first request. */
async function reuse({ field, report }: Parts): Promise<Answer | undefined> {
  const intent = field.intent()
  const original = await firstSuccess({ field, report }, intent)
  const body = differentBody(field, intent)
  if (original === undefined) return undefined
  const answer = await answerTo({ field, report }, intent, { body })
  if (answer !== undefined) report.sample('another body, same key', answer)
  return answer
}

const needsOtherBody = ({ otherBody, body }: Field['plan']): string | undefined =>
  otherBody === undefined && rewritten(body) === undefined ? 'no other body is known' : undefined

const reused: Scenario = {
  id: 'reused',
  title: 'A key with another payload is refused with 422, and a link to the documentation',
  looksFor: 'a reused key that gets something else',
  cites: { section: '2.2, 2.7', level: 'SHOULD' },
  needs: needsOtherBody,
  async run(field, report) {
    const answer = await reuse({ field, report })
    if (answer === undefined) return
    if (isSuccess(answer)) report.effects(0, 1)
    if (answer.status !== 422) report.finding(`another payload is answered ${answer.status}`)
    expectDocument({ field, report }, answer)
  },
}

const uncorrected: Scenario = {
  id: 'uncorrected',
  title: 'What was not corrected fails again',
  looksFor: 'a refused request that gets through when it is repeated',
  cites: { section: '2.7', level: 'MUST' },
  needs: needsOtherBody,
  async run(field, report) {
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    const body = differentBody(field, intent)
    if (original === undefined) return
    for (let at = 0; at < 3; at++) {
      const answer = await answerTo({ field, report }, intent, { body })
      if (answer !== undefined && (answer.status < 400 || answer.status > 499)) {
        report.finding(`another payload under the same key was answered ${answer.status}`)
      }
    }
  },
}

const fingerprint: Scenario = {
  id: 'fingerprint',
  title: 'The fingerprint is of the payload’s content, not of its bytes',
  looksFor: 'the same JSON, written another way, that is taken for another request; the draft leaves this open',
  cites: { section: '2.4', level: 'MAY' },
  needs: ({ body }) => (rewritten(body) === undefined ? 'the body is no JSON object' : undefined),
  async run(field, report) {
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    const answer = original && (await answerTo({ field, report }, intent, { body: rewritten(intent.body ?? '') }))
    if (original === undefined || answer === undefined || equal(field, answer, original)) return
    report.finding(`the same JSON, written another way: ${answer.status}`)
    if (isSuccess(answer)) report.effects(0, 1)
  },
}

const documentation: Scenario = {
  id: 'documentation',
  title: 'The idempotency specification is published',
  looksFor: 'errors that link to nothing, or to what is not there',
  cites: { section: '2.5.2', level: 'MUST' },
  async run(field, report) {
    const refused = await answerTo({ field, report }, field.intent(), { keyValues: [''] })
    const link = refused && documentationLink(refused, field.plan.url)
    if (refused !== undefined && isSuccess(refused)) report.effects(0, 1)
    if (link === undefined) {
      report.finding('a refusal links to no documentation')
      return
    }
    if (link.origin !== field.plan.url.origin) {
      report.inconclusive(`the documentation is elsewhere, and was not fetched: ${link.href}`)
      return
    }
    const route = { method: 'GET', path: `${link.pathname}${link.search}` }
    const page = await answerTo({ field, report }, field.intent(), { route, keyValues: [], body: undefined })
    if (page?.status === 200 && page.body.length > 0) report.note(`${route.path}: ${page.body.length} bytes`)
    else report.finding(`${route.path} was answered ${page?.status ?? 'not at all'}`)
  },
}

const keyFormat: Scenario = {
  id: 'key-format',
  title: 'Keys are validated against a fixed format',
  looksFor: 'a key of any form and length that reaches the lookup',
  cites: { section: '5', level: 'SHOULD' },
  async run(field, report) {
    for (const [name, write] of [
      ['an empty key', () => '""'],
      ['a key of 4,000 characters', (key: string) => quoted(key.padEnd(4_000, 'x'))],
    ] as const) {
      const intent = field.intent()
      const answer = await answerTo({ field, report }, intent, { keyValues: [write(intent.key)] })
      if (answer === undefined) continue
      if (isSuccess(answer)) report.effects(0, 1)
      if (answer.status < 400 || answer.status > 499) report.finding(`${name} is answered ${answer.status}`)
      else report.note(`${name}: ${answer.status}`)
    }
  },
}

const compositeKey: Scenario = {
  id: 'composite-key',
  title: 'The lookup uses the key and what the server knows of the client',
  looksFor: "a client that can fetch another's answer with its key",
  cites: { section: '5', level: 'SHOULD' },
  needs: ({ otherTenant }) => (otherTenant === undefined ? 'no second tenant is known' : undefined),
  async run(field, report) {
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    const settled = await field.settle(intent, { headers: field.plan.otherTenant ?? {} })
    report.attempts(settled)
    const answer = answersOf(settled).at(-1)
    if (original === undefined || answer === undefined) return
    if (isSuccess(answer)) report.effects(0, 1)
    if (!field.tellsApart) report.inconclusive('answers do not tell requests apart')
    else if (equal(field, answer, original)) report.finding('the other tenant received the answer of the first')
    else if (answer.status === 401 || answer.status === 403)
      report.inconclusive(`the other tenant was answered ${answer.status}`)
  },
}

/** Section 2.7: a body that describes the problem, with a link to the documentation; or the link as a header. */
function expectDocument({ field, report }: Parts, answer: Answer): void {
  const type = answer.headers['content-type'] ?? 'no content type'
  const link = documentationLink(answer, field.plan.url)
  if (link === undefined) report.finding(`a ${answer.status} links to no documentation (${type})`)
  else report.note(`${answer.status}: ${type}, ${link.href}`)
}

export const draftIdempotencyKey: readonly Scenario[] = [
  stringKey,
  malformedString,
  bareKey,
  fingerprint,
  documentation,
  retrySuccess,
  retryError,
  concurrent,
  missing,
  reused,
  uncorrected,
  keyFormat,
  compositeKey,
]
