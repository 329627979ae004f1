import { background, type Field } from '../field.ts'
import { concludeKey } from './conclude.ts'
import type { Scenario } from './scenario.ts'

const simultaneous = (count: number): Scenario => ({
  id: `simultaneous-${count}`,
  title: `${count} simultaneous retries`,
  looksFor: 'check-then-set: every attempt that looks before the first has been recorded is executed',
  async run(field, report) {
    const intent = field.intent()
    await concludeKey({ field, report }, intent, await field.volley(intent, count))
  },
})

const burst: Scenario = {
  id: 'burst-100',
  title: '100 retries in one second',
  looksFor: 'a gap between execution and record, at the pace of a client without back-off',
  async run(field, report) {
    const intent = field.intent()
    const attempts = []
    const startedAt = field.now()
    for (let at = 0; at < 100; at++) {
      attempts.push(background(field.send(intent)))
      await field.pause(Math.max(0, startedAt + (at + 1) * 10 - field.now()))
    }
    await concludeKey({ field, report }, intent, await Promise.all(attempts))
  },
}

const whileRunning: Scenario = {
  id: 'while-running',
  title: 'Retries while the first is running',
  looksFor: 'a retry that executes, hangs or fails while the first attempt is at work',
  async run(field, report) {
    let overlapped = 0
    for (let round = 0; round < 5 && overlapped === 0; round++) {
      const intent = field.intent(field.plan.slowBody)
      const attempts = await retryWhileRunning(field, intent)
      const [first, ...retries] = attempts
      const endMs = first === undefined ? 0 : first.startedMs + first.durationMs
      overlapped += retries.filter(({ startedMs }) => startedMs < endMs).length
      await concludeKey({ field, report }, intent, attempts)
    }
    report.note(`${overlapped} retries were sent while the first was running`)
    if (overlapped === 0) report.inconclusive('the first attempt was always faster: a slow body would tell')
  },
}

/** The first attempt, and a retry every few milliseconds for as long as that has no answer; at most 50. */
export async function retryWhileRunning(field: Field, intent: ReturnType<Field['intent']>) {
  let running = true
  const first = background(
    field.send(intent).finally(() => {
      running = false
    }),
  )
  const retries = []
  do {
    retries.push(background(field.send(intent)))
    await field.pause(5)
  } while (running && retries.length < 50)
  return Promise.all([first, ...retries])
}

export const concurrentScenarios: readonly Scenario[] = [simultaneous(50), simultaneous(100), burst, whileRunning]
