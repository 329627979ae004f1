import { outcomeLabel, type Answer } from '../attempt.ts'
import type { Field } from '../field.ts'
import { formattedKey, type Intent } from '../intent.ts'
import { fingerprintOf, isPending, isSuccess } from '../judge.ts'
import type { Report } from '../report.ts'
import { expectUnharmed, firstSuccess } from './conclude.ts'
import type { Scenario } from './scenario.ts'

const quotedAndBare: Scenario = {
  id: 'quoted-and-bare-key',
  title: 'Quoted and bare key',
  looksFor: '"abc" and abc taken for two keys, as clients and proxies write one or the other',
  async run(field, report) {
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    if (original === undefined) return
    const other = field.plan.keyFormat === 'bare' ? 'quoted' : 'bare'
    const attempt = await field.send(intent, { keyValues: [formattedKey(intent.key, other)] })
    report.attempts([attempt])
    const answer = attempt.outcome.kind === 'answered' ? attempt.outcome.answer : undefined
    if (answer === undefined) report.finding(`the ${other} key got no answer (${outcomeLabel(attempt.outcome)})`)
    else if (answer.status === 400)
      report.note(`the ${other} form is refused with 400: there is one way to write a key`)
    else if (!equal(field, answer, original)) {
      report.finding(
        isSuccess(answer) ? `the ${other} key was executed again` : `the ${other} key was answered ${answer.status}`,
      )
      report.sample(`the ${other} key`, answer)
    }
    await expectUnharmed({ field, report }, intent, original)
  },
}

const keyMissing: Scenario = {
  id: 'key-missing',
  title: 'Key missing',
  looksFor: 'a request without a key that is executed all the same, unprotected',
  needs: ({ keyOptional }) => (keyOptional ? 'the key is optional here' : undefined),
  async run(field, report) {
    const attempt = await field.send(field.intent(), { keyValues: [] })
    report.attempts([attempt])
    report.effects(0)
    if (attempt.outcome.kind !== 'answered' || attempt.outcome.answer.status >= 500) {
      report.finding(`without a key: ${outcomeLabel(attempt.outcome)}`)
      return
    }
    const { answer } = attempt.outcome
    report.sample('without a key', answer)
    if (isSuccess(answer)) report.finding(`without a key the request was executed: ${answer.status}`)
    else report.note(`without a key: ${answer.status}`)
  },
}

/** Values that are no key, from that of a request. */
const malformed: readonly (readonly [name: string, values: (key: string) => readonly string[]])[] = [
  ['an empty key', () => ['']],
  ['a quote without its end', (key) => [`"${key}`]],
  ['text behind the quotes', (key) => [`"${key}" x`]],
  ['a space inside', (key) => [`${key} x`]],
  ['a letter beyond ASCII', (key) => [`${key}\u00e9`]],
  ['two keys', (key) => [key, `${key}-2`]],
]

const keyMalformed: Scenario = {
  id: 'key-malformed',
  title: 'Key malformed',
  looksFor: 'a malformed key that silently switches the protection off',
  async run(field, report) {
    for (const [name, values] of malformed) {
      const intent = field.intent()
      const taken = await takesKey({ field, report }, intent, { name, keyValues: values(intent.key) })
      if (taken && name === 'an empty key')
        report.finding('an empty key is taken for a key: all that have none share it')
    }
  },
}

const keyTooLong: Scenario = {
  id: 'key-too-long',
  title: 'Key too long',
  looksFor: 'a long key that is cut off, so that two requests become one, or that goes unprotected',
  async run(field, report) {
    for (const length of [300, 4_000]) {
      const intent = field.intent()
      const long = intent.key.padEnd(length - 1, 'x')
      const name = `a key of ${length} characters`
      const first = await takesKey({ field, report }, intent, { name, keyValues: [`${long}a`] })
      if (!first) continue
      const attempt = await field.send(field.intent(), { keyValues: [`${long}b`], body: intent.body })
      report.attempts([attempt])
      report.effects(1)
      if (field.tellsApart && attempt.outcome.kind === 'answered' && equal(field, attempt.outcome.answer, first)) {
        report.finding(`${name} is cut off: another one with the same beginning got its answer`)
      }
    }
  },
}

/** Sends the values as the key, twice. A refusal is right; a success must be replayed, and is returned. */
async function takesKey(
  { field, report }: { readonly field: Field; readonly report: Report },
  intent: Intent,
  { name, keyValues }: { readonly name: string; readonly keyValues: readonly string[] },
): Promise<Answer | undefined> {
  const [first, second] = [await field.send(intent, { keyValues }), await field.send(intent, { keyValues })]
  report.attempts([first, second])
  if (first.outcome.kind !== 'answered') {
    report.finding(`${name}: no answer (${outcomeLabel(first.outcome)})`)
    return undefined
  }
  const { answer } = first.outcome
  if (!isSuccess(answer)) {
    // 503 is neither a refusal of the key nor a fault.
    if (answer.status >= 500 && !isPending(answer, field.reading)) report.finding(`${name}: answered ${answer.status}`)
    else report.note(`${name}: refused with ${answer.status}`)
    return undefined
  }
  report.effects(1)
  if (second.outcome.kind === 'answered' && equal(field, second.outcome.answer, answer)) {
    report.note(`${name}: taken as it is`)
    return answer
  }
  report.finding(`${name}: executed at each attempt, unprotected`)
  report.sample(name, answer)
  return undefined
}

const otherTenant: Scenario = {
  id: 'other-tenant',
  title: 'Other tenant, same key',
  looksFor: "one client that receives another's answer",
  needs: ({ otherTenant: headers }) => (headers === undefined ? 'no second tenant is known' : undefined),
  async run(field, report) {
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    if (original === undefined) return
    const headers = field.plan.otherTenant ?? {}
    const attempts = await field.settle(intent, { headers })
    report.attempts(attempts)
    const outcome = attempts.at(-1)?.outcome
    if (outcome?.kind !== 'answered') {
      report.finding('the other tenant got no answer')
      return
    }
    const { answer } = outcome
    report.sample("the other tenant's answer", answer)
    if (isSuccess(answer)) report.effects(1)
    if (!equal(field, answer, original)) {
      if (isSuccess(answer)) report.note('the other tenant has its own effect')
      else if (answer.status === 401 || answer.status === 403)
        report.inconclusive(`the other tenant was answered ${answer.status}`)
      else report.finding(`the other tenant cannot use the key: answered ${answer.status}`)
    } else if (field.tellsApart) report.finding('the other tenant received the answer of the first')
    else report.note('answers do not tell requests apart: only a ledger can')
    await expectUnharmed({ field, report }, intent, original)
  },
}

const equal = (field: Field, a: Answer, b: Answer): boolean =>
  fingerprintOf(a, field.plan.ignore) === fingerprintOf(b, field.plan.ignore)

export const keyScenarios: readonly Scenario[] = [quotedAndBare, keyMissing, keyMalformed, keyTooLong, otherTenant]
