import { answersOf, type Answer, type Attempt } from '../attempt.ts'
import type { Field } from '../field.ts'
import type { Intent } from '../intent.ts'
import { concludeKey } from './conclude.ts'
import type { Scenario } from './scenario.ts'

const rounds = 10

const cutAfterSend: Scenario = {
  id: 'cut-after-send',
  title: 'Cut after sending, then retried',
  looksFor: 'work that is dropped, or done twice, when its caller has gone',
  async run(field, report) {
    for (let round = 0; round < rounds; round++) {
      const intent = field.intent()
      const cut = await field.cutAfterSend(intent)
      // Every second retry comes while the first may be running, the others when it is likely done.
      if (round % 2 === 1) await field.pause(100)
      await concludeKey({ field, report }, intent, [cut])
    }
  },
}

const cutDuringAnswer: Scenario = {
  id: 'cut-during-answer',
  title: 'Cut while the answer is read',
  looksFor: 'an answer that is recorded only once it has been delivered',
  async run(field, report) {
    let cuts = 0
    for (let round = 0; round < rounds; round++) {
      const intent = field.intent()
      const cut = await field.cutDuringAnswer(intent)
      if (cut.outcome.kind === 'cut') cuts++
      const final = await concludeKey({ field, report }, intent, [cut])
      if (final !== undefined && contradicts(cut, final)) {
        report.finding('what had been read before the cut is not the beginning of the answer that the retry got')
        report.sample('the retry', final)
      }
    }
    report.note(`${cuts} of ${rounds} answers were cut`)
  },
}

/** What was read before the cut is no part of the final answer. Chunked answers and heads alone prove nothing. */
function contradicts({ outcome }: Attempt, final: Answer): boolean {
  if (outcome.kind !== 'cut') return false
  const end = outcome.received.indexOf('\r\n\r\n')
  const head = outcome.received.subarray(0, Math.max(0, end)).toString('latin1')
  const status = Number(head.split(' ')[1])
  if (end < 0 || status < 200 || status > 299 || status === 202 || !/\r\ncontent-length:/i.test(head)) return false
  const body = outcome.received.subarray(end + 4)
  return status !== final.status || !final.body.subarray(0, body.length).equals(body)
}

const afterSuccess: Scenario = {
  id: 'after-success',
  title: 'Retry after success',
  looksFor: 'a replay that is made anew: another time, another identifier, another status',
  async run(field, report) {
    const intent = field.intent()
    const attempts = await oneByOne(field, intent, [0, 0, 10, 50, 200, 500])
    await concludeKey({ field, report }, intent, attempts)
    const marks = answersOf(attempts).flatMap(({ headers }) =>
      Object.keys(headers).filter((name) => /replay|idempoten/.test(name)),
    )
    if (marks.length > 0) report.note(`headers about it: ${[...new Set(marks)].join(', ')}`)
  },
}

/** Attempts one after another, each behind its pause in milliseconds. */
export async function oneByOne(field: Field, intent: Intent, pausesMs: readonly number[]): Promise<readonly Attempt[]> {
  const attempts: Attempt[] = []
  for (const pauseMs of pausesMs) {
    await field.pause(pauseMs)
    attempts.push(await field.send(intent))
  }
  return attempts
}

export const cutScenarios: readonly Scenario[] = [cutAfterSend, cutDuringAnswer, afterSuccess]
