import { answersOf, type Attempt } from '../attempt.ts'
import { background, lastAnswer, type Field } from '../field.ts'
import type { Intent } from '../intent.ts'
import { isFinalSuccess, isSuccess, judgeAttempts } from '../judge.ts'
import { sampleAll, type Report } from '../report.ts'
import { concludeKey, successIn } from './conclude.ts'
import { differentBody } from './other-request.ts'
import type { Scenario } from './scenario.ts'

const stormKeys = 20
const stormAttempts = 25
const stormMs = 500

const storm: Scenario = {
  id: 'storm',
  title: 'A mixed storm',
  looksFor: 'what only shows when everything happens at once',
  async run(field, report) {
    await Promise.all(Array.from({ length: stormKeys }, () => stormOnKey(field, report)))
  },
}

/** Retries, broken connections and another body on one key, within half a second. */
async function stormOnKey(field: Field, report: Report): Promise<void> {
  const intent = field.intent()
  const body = differentBody(field, intent)
  const first = background(field.send(intent))
  const others: Promise<Attempt>[] = []
  const act = async (): Promise<Attempt> => {
    const dice = field.random()
    await field.pause(field.random() * stormMs)
    if (dice < 0.15) return field.cutAfterSend(intent)
    if (dice < 0.25) return field.cutDuringAnswer(intent)
    if (dice > 0.9 && body !== undefined) {
      // Before the key has its request, the other body would become it, and rightly so.
      const { outcome } = await first
      if (outcome.kind === 'answered' && isFinalSuccess(outcome.answer, field.reading)) {
        const other = field.send(intent, { body })
        others.push(background(other))
        return other
      }
    }
    return field.send(intent)
  }
  const attempts = await Promise.all([first, ...Array.from({ length: stormAttempts - 1 }, act)])
  const varied = await Promise.all(others)
  report.attempts(varied)
  if (answersOf(varied).some(isSuccess)) report.finding('another body under a key got a success')
  await concludeKey(
    { field, report },
    intent,
    attempts.filter((attempt) => !varied.includes(attempt)),
  )
}

const baseline: Scenario = {
  id: 'baseline',
  title: 'Baseline, 3 to 10 retries each',
  looksFor: 'what rare circumstances do to one request in a thousand; keys that are forgotten too early',
  async run(field, report) {
    let left = field.plan.requests
    const caller = async (): Promise<void> => {
      while (left-- > 0) await retriedRequest(field, report)
    }
    await Promise.all(Array.from({ length: field.plan.concurrency }, caller))
    report.note(`${field.plan.requests} requests`)
  },
}

/** A request and its 3 to 10 retries; half of them do not wait for the answer before. */
async function retriedRequest(field: Field, report: Report): Promise<void> {
  const intent: Intent = field.intent()
  const sent: Promise<Attempt>[] = []
  const retries = 3 + Math.floor(field.random() * 8)
  for (let at = 0; at <= retries; at++) {
    const attempt = background(field.send(intent))
    sent.push(attempt)
    if (field.random() < 0.5) await attempt
    if (at < retries) await field.pause(field.random() * 2 * field.plan.thinkMs)
  }
  const attempts = await Promise.all(sent)
  const last = lastAnswer(attempts)
  const settled =
    last !== undefined && isFinalSuccess(last, field.reading) ? attempts.slice(-1) : await field.settle(intent)
  const final = successIn({ field, report }, settled)
  report.attempts([...attempts, ...settled.filter((one) => !attempts.includes(one))])
  if (final === undefined) return
  const wrong = judgeAttempts(attempts, final, field.reading)
  for (const text of wrong) report.finding(text)
  if (wrong.length > 0) sampleAll(report, attempts)
}

export const loadScenarios: readonly Scenario[] = [storm, baseline]
