import { answersOf, outcomeLabel, type Answer } from '../attempt.ts'
import { fingerprintOf, isFinalSuccess, isPending, isSuccess } from '../judge.ts'
import { sampleAll } from '../report.ts'
import { oneByOne } from './cut.ts'
import type { Scenario } from './scenario.ts'

const afterRefusal: Scenario = {
  id: 'after-refusal',
  title: 'Retry after a refusal',
  looksFor: 'a refusal that turns into something else: a success, a "still running", a "key was reused"',
  needs: ({ refusalBody }) => (refusalBody === undefined ? 'no body is known that is refused' : undefined),
  async run(field, report) {
    const intent = field.intent(field.plan.refusalBody)
    const attempts = await oneByOne(field, intent, [0, 0, 10, 50, 200])
    report.attempts(attempts)
    const [first, ...retries] = answersOf(attempts)
    if (first === undefined || first.status < 400 || first.status > 499) {
      report.effects(0, 1)
      report.inconclusive(`the body that should be refused was answered ${first?.status ?? 'not at all'}`)
      return
    }
    report.effects(0)
    const others = retries.filter(({ status }) => status !== first.status)
    if (others.length > 0) {
      report.finding(
        `refused with ${first.status}, then answered ${[...new Set(others.map(({ status }) => status))].join(', ')}`,
      )
      sampleAll(report, attempts)
    }
    if (retries.length + 1 < attempts.length)
      report.finding(`${attempts.length - retries.length - 1} attempts got no answer`)
    const bodies = new Set([first, ...retries].map((answer) => fingerprintOf(answer, field.plan.ignore)))
    report.note(bodies.size === 1 ? 'the refusal is replayed' : `the refusal comes in ${bodies.size} forms`)
  },
}

const afterFailure: Scenario = {
  id: 'after-failure',
  title: 'Retry after a 5xx',
  looksFor: 'an effect that is repeated, or a key that is stuck, because what came after the effect failed',
  needs: ({ failureBody }) => (failureBody === undefined ? 'no body is known that fails with a 5xx' : undefined),
  async run(field, report) {
    const intent = field.intent(field.plan.failureBody)
    const attempts = [...(await oneByOne(field, intent, [0, 0, 10, 50, 200])), ...(await field.settle(intent))]
    report.attempts(attempts)
    report.effects(0, 1)
    const answers = answersOf(attempts)
    if (!answers.some(({ status }) => status >= 500)) {
      report.inconclusive(`the body that should fail was answered ${answers[0]?.status ?? 'not at all'}`)
      return
    }
    const successes = new Set(
      answers.filter((one) => isFinalSuccess(one, field.reading)).map((one) => fingerprintOf(one, field.plan.ignore)),
    )
    if (successes.size > 1) report.finding(`${successes.size} different successes for one key`)
    const last = answers.at(-1)
    if (answers.length < attempts.length) report.finding(`${attempts.length - answers.length} attempts got no answer`)
    else if (last !== undefined && isStuck(last)) {
      report.finding(`after the 5xx the key is stuck: it still answers ${last.status}`)
    } else if (successes.size > 0 && last !== undefined && !isSuccess(last)) {
      report.finding(`after a success the key answered ${last.status}`)
    }
    report.note(`in turn: ${attempts.map(({ outcome }) => outcomeLabel(outcome)).join(', ')}`)

    function isStuck(answer: Answer): boolean {
      return answer.status !== 503 && isPending(answer, field.reading)
    }
  },
}

export const recordedFailureScenarios: readonly Scenario[] = [afterRefusal, afterFailure]
