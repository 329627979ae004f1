import { answersOf, type Answer } from '../attempt.ts'
import { lastAnswer, type Field } from '../field.ts'
import type { Intent, Variation } from '../intent.ts'
import { alteredBody, rewritten } from '../json-variants.ts'
import { fingerprintOf, isFinalSuccess, isSuccess } from '../judge.ts'
import type { Report } from '../report.ts'
import { expectUnharmed, firstSuccess } from './conclude.ts'
import type { Scenario } from './scenario.ts'

/** A body of another request: the template for it, or the body with one value changed. */
export const differentBody = (field: Field, intent: Intent): string | undefined =>
  field.plan.otherBody === undefined ? alteredBody(intent.body ?? '') : field.bodyFor(intent, field.plan.otherBody)

const same = (field: Field, a: Answer, b: Answer): boolean =>
  fingerprintOf(a, field.plan.ignore) === fingerprintOf(b, field.plan.ignore)

const otherBody: Scenario = {
  id: 'other-body',
  title: 'Same key, other body',
  looksFor: 'the old answer for another request, a second effect under one key, or a refusal that poisons the key',
  needs: ({ otherBody: template, body }) =>
    template === undefined && alteredBody(body) === undefined ? 'the body is no JSON that could be changed' : undefined,
  async run(field, report) {
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    const body = differentBody(field, intent)
    if (original === undefined || body === undefined) return
    for (let at = 0; at < 3; at++) {
      const answer = await answerTo({ field, report }, intent, { body })
      if (answer === undefined) continue
      if (same(field, answer, original))
        report.finding('another body got the answer of the first: it was never looked at')
      else if (isSuccess(answer)) report.finding('another body was executed under the same key')
      else if (answer.status >= 500) report.finding(`another body under the same key was answered ${answer.status}`)
      else report.note(`another body is refused with ${answer.status}`)
      report.sample('another body, same key', answer)
    }
    await expectUnharmed({ field, report }, intent, original)
    await bothAtOnce(field, report)
  },
}

/** Both bodies at once under a fresh key: one of them is the key's request, whichever came first. */
async function bothAtOnce(field: Field, report: Report): Promise<void> {
  const intent = field.intent()
  const body = differentBody(field, intent)
  const variationOf = (at: number): Variation => (at % 2 === 0 ? {} : { body })
  const attempts = await field.volley(intent, 20, variationOf)
  const first = await field.settle(intent)
  const firstWon = isFinal(field, lastAnswer(first))
  // Whoever lost may be told so by a 409, which is no "not yet" here: one look at it is enough.
  const second = firstWon ? [await field.send(intent, { body })] : await field.settle(intent, { body })
  report.attempts([...attempts, ...first, ...second])
  report.effects(1)
  const secondWon = isFinal(field, lastAnswer(second))
  if (firstWon && secondWon) report.finding('two bodies at once under one key: both succeed')
  if (!firstWon && !secondWon) report.finding('two bodies at once under one key: neither comes to a success')
  const winners = attempts.filter((_, at) => (at % 2 === 0) === firstWon)
  const losers = attempts.filter((_, at) => (at % 2 === 0) !== firstWon)
  const wins = new Set(
    answersOf(winners)
      .filter((one) => isFinal(field, one))
      .map((one) => fingerprintOf(one, field.plan.ignore)),
  )
  if (wins.size > 1) report.finding(`two bodies at once under one key: ${wins.size} different successes`)
  if (firstWon !== secondWon && answersOf(losers).some((one) => isFinal(field, one))) {
    report.finding('two bodies at once under one key: both got a success')
  }
}

const isFinal = (field: Field, answer: Answer | undefined): boolean =>
  answer !== undefined && isFinalSuccess(answer, field.reading)

const otherRoute: Scenario = {
  id: 'other-route',
  title: 'Same key, other route',
  looksFor: 'a key that knows no operation: the answer of one comes from another',
  needs: ({ otherRoute: route }) => (route === undefined ? 'no other route is known' : undefined),
  async run(field, report) {
    const { otherRoute: route, otherRouteBody } = field.plan
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    if (original === undefined || route === undefined) return
    const body = otherRouteBody === undefined ? intent.body : field.bodyFor(intent, otherRouteBody)
    const answer = await answerTo({ field, report }, intent, { route, body })
    if (answer === undefined) return
    report.sample(`${route.method} ${route.path} with the same key`, answer)
    if (same(field, answer, original)) report.finding('the other route gave the answer of the first')
    else if (answer.status >= 500) report.finding(`the other route answered ${answer.status}`)
    else if (isSuccess(answer)) {
      report.note('keys are kept per route: the other route was executed')
      report.effects(0, 1)
    } else report.note(`the other route refuses the key with ${answer.status}`)
    await expectUnharmed({ field, report }, intent, original)
  },
}

const reorderedJson: Scenario = {
  id: 'reordered-json',
  title: 'Reordered and re-spaced JSON',
  looksFor: 'the same request, serialised anew by a client, that is refused or executed again',
  needs: ({ body }) => (rewritten(body) === undefined ? 'the body is no JSON object' : undefined),
  async run(field, report) {
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    const body = rewritten(intent.body ?? '')
    if (original === undefined || body === undefined) return
    const answer = await answerTo({ field, report }, intent, { body })
    if (answer === undefined) return
    if (!same(field, answer, original)) {
      report.finding(
        isSuccess(answer)
          ? 'the same JSON, written another way, was executed again'
          : `the same JSON, written another way, was refused with ${answer.status}`,
      )
      report.sample('the same JSON, written another way', answer)
    }
    await expectUnharmed({ field, report }, intent, original)
  },
}

const sameBody: Scenario = {
  id: 'new-key-same-body',
  title: 'New key, same body',
  looksFor: 'a second order that is taken for a retry because it looks like the first',
  async run(field, report) {
    const intent = field.intent()
    const original = await firstSuccess({ field, report }, intent)
    const second = { ...field.intent(), body: intent.body }
    const answer = original && (await firstSuccess({ field, report }, second))
    if (original === undefined || answer === undefined) return
    if (!field.tellsApart) report.note('answers do not tell requests apart: only a ledger can')
    else if (same(field, answer, original)) report.finding('the second request got the answer of the first: it is lost')
  },
}

/** The answer to one varied attempt; a finding when there is none. */
async function answerTo(
  { field, report }: { readonly field: Field; readonly report: Report },
  intent: Intent,
  variation: Variation,
): Promise<Answer | undefined> {
  const attempt = await field.send(intent, variation)
  report.attempts([attempt])
  if (attempt.outcome.kind === 'answered') return attempt.outcome.answer
  report.finding(`an attempt got no answer (${attempt.outcome.kind === 'failed' ? attempt.outcome.code : 'cut'})`)
  return undefined
}

export const otherRequestScenarios: readonly Scenario[] = [otherBody, otherRoute, reorderedJson, sameBody]
