import type { Answer } from '../attempt.ts'
import { background, lastAnswer, type Field } from '../field.ts'
import type { Intent } from '../intent.ts'
import { isPending, judgeAttempts } from '../judge.ts'
import { sampleAll } from '../report.ts'
import { runCommand } from '../run-command.ts'
import { expectUnharmed, firstSuccess, successIn } from './conclude.ts'
import type { Scenario } from './scenario.ts'

const keys = 10

/** A start can take long. */
const restartMs = 120_000

export const restartScenario: Scenario = {
  id: 'restart',
  title: 'The server restarts',
  looksFor: 'records that live in memory, and keys that a crash leaves locked',
  needs: ({ restart }) => (restart === undefined ? 'no command is known that restarts the target' : undefined),
  async run(field, report) {
    const done: { readonly intent: Intent; readonly answer: Answer }[] = []
    for (let at = 0; at < keys; at++) {
      const intent = field.intent()
      const answer = await firstSuccess({ field, report }, intent)
      if (answer !== undefined) done.push({ intent, answer })
    }
    const running = Array.from({ length: keys }, () => {
      const intent = field.intent(field.plan.slowBody)
      return { intent, attempt: background(field.send(intent)) }
    })
    await restartTarget(field)
    const interrupted = await Promise.all(
      running.map(async ({ intent, attempt }) => ({ intent, attempt: await attempt })),
    )
    report.attempts(interrupted.map(({ attempt }) => attempt))
    field.disconnect()
    if (!(await answersAgain(field, done[0]?.intent ?? field.intent()))) {
      report.finding('the target does not answer after the restart')
      return
    }
    for (const { intent, answer } of done) await expectUnharmed({ field, report }, intent, answer)
    for (const { intent, attempt } of interrupted) {
      const settled = [...(await field.settle(intent)), ...(await field.settle(intent))]
      report.attempts(settled)
      const final = successIn({ field, report }, settled)
      if (final === undefined) continue
      // No answer, or a 5xx, is what a restart does to an attempt. An answer that was given must hold.
      const given = attempt.outcome.kind === 'answered' && attempt.outcome.answer.status < 500 ? [attempt] : []
      const wrong = judgeAttempts([...given, ...settled], final, field.reading)
      for (const text of wrong) report.finding(`across the restart: ${text}`)
      if (wrong.length > 0) sampleAll(report, [...given, ...settled])
    }
    const cut = interrupted.filter(({ attempt }) => attempt.outcome.kind !== 'answered').length
    report.note(`${done.length} keys were done and ${keys} in flight at the restart; ${cut} of these got no answer`)
  },
}

/** @throws Error when the restart fails or takes too long; Stopped when the siege ends meanwhile */
async function restartTarget(field: Field): Promise<void> {
  const { restart = '' } = field.plan
  const tooLong = field.pause(restartMs).then(() => {
    throw new Error(`the restart took longer than ${restartMs / 1_000} s`)
  })
  await Promise.race([typeof restart === 'function' ? restart() : runCommand(restart, restartMs), tooLong])
}

/** Waits until the target has a final answer for a request again. */
async function answersAgain(field: Field, intent: Intent): Promise<boolean> {
  const giveUpAt = field.now() + restartMs
  while (field.now() < giveUpAt) {
    const answer = lastAnswer([await field.send(intent)])
    if (answer !== undefined && !isPending(answer, field.reading)) return true
    await field.pause(100)
  }
  return false
}
