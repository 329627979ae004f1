import {
  createWorld,
  testCommand,
  type TestProcess,
  type TestRequest,
  type World,
} from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import { EventStoreError, type LastRecord } from '../ports/event-store.ts'
import type { Answer } from './answer.ts'

type Options = Parameters<typeof testCommand>[1]

/** What an attempt may meet on a key's stream, and how it is brought about. */
interface Scenario {
  readonly meets: string
  readonly options?: Options
  readonly prepare: (world: World, process: TestProcess) => Promise<void>
  readonly attempt?: TestRequest
  readonly answers: string
}

const once = async (world: World, process: TestProcess, request?: TestRequest): Promise<Answer> => {
  const answer = process.submit(request)
  await world.clock.runUntilIdle()
  return answer
}
const first = async (world: World, process: TestProcess): Promise<void> => void (await once(world, process))
const firstThenWait = async (world: World, process: TestProcess): Promise<void> => {
  await first(world, process)
  await world.clock.advance(200_000)
}

const scenarios: readonly Scenario[] = [
  { meets: 'nothing', prepare: async () => undefined, answers: 'executed' },
  { meets: 'its outcome', prepare: first, answers: 'replayed' },
  { meets: "another request's outcome", prepare: first, attempt: { body: 'b' }, answers: 'idempotency-key-reused' },
  { meets: 'an outcome that has expired', prepare: firstThenWait, answers: 'executed' },
  {
    meets: 'an outcome that has expired, of a command whose keys are gone then',
    options: { expired: 'gone' },
    prepare: firstThenWait,
    answers: 'idempotency-key-expired',
  },
  {
    meets: 'an outcome that it supersedes',
    options: { identity: 'uri', supersedes: true },
    prepare: first,
    attempt: { body: 'b' },
    answers: 'executed',
  },
  {
    meets: 'a command that was accepted by a process which is gone',
    prepare: async (_world, process) => {
      await process.dispatch({ body: 'a' }).durable()
      process.store.faults.crash()
    },
    answers: 'replayed',
  },
]

const describeAnswer = (answer: Answer): string =>
  answer.kind === 'response' ? answer.source : answer.kind === 'refused' ? answer.code : answer.kind

/** The process that the attempt comes to: a new one on the same log, with or without `last`. */
async function play(
  scenario: Scenario,
  tellsLast: boolean,
): Promise<{ answer: Answer; asked: number; events: number }> {
  const command = testCommand(
    ({ body }, ctx) => world.clock.sleep(10).then(() => ({ type: 'Made', data: { body, id: ctx.id } })),
    { retentionMs: 1_000, ...scenario.options },
  )
  const world: World = createWorld({ commands: [command] })
  await scenario.prepare(world, world.start())
  const process = world.start()
  let asked = 0
  const dispatch = process.handler.dispatch.bind(process.handler)
  process.handler.dispatch = (envelope) => {
    asked++
    return dispatch(envelope)
  }
  if (tellsLast) Object.assign(process.store, { last: lastOf(world) })
  const answer = await once(world, process, scenario.attempt)
  return { answer, asked, events: world.log.events().length }
}

const lastOf =
  (world: World) =>
  (stream: string): LastRecord | undefined =>
    world.log.events(stream).at(-1)

describe('a store that tells the last event of a stream at once', () => {
  test.each(scenarios)('$meets: $answers, as from one that does not', async (scenario) => {
    const [quick, usual] = [await play(scenario, true), await play(scenario, false)]
    expect(describeAnswer(quick.answer)).toBe(scenario.answers)
    expect({ ...quick, asked: 0 }).toEqual({ ...usual, asked: 0 })
    expect(usual.asked).toBe(1)
    // What is recorded is answered without the handler.
    const recorded = scenario.answers === 'replayed' && scenario.prepare === first
    const refused = scenario.answers.startsWith('idempotency-key')
    expect(quick.asked).toBe(recorded || refused ? 0 : 1)
  })

  test('an attempt at what is in flight here attaches to it: the store is not asked', async () => {
    const command = testCommand(() => world.clock.sleep(10).then(() => []), {})
    const world: World = createWorld({ commands: [command] })
    const process = world.start()
    let asked = 0
    Object.assign(process.store, {
      last: (stream: string) => {
        asked++
        return lastOf(world)(stream)
      },
    })
    const both = [process.submit(), process.submit()]
    await world.clock.runUntilIdle()
    expect((await Promise.all(both)).map(describeAnswer)).toEqual(['executed', 'attached'])
    expect(asked).toBe(1)
  })

  test('a store that is away: unavailable, with the cause', async () => {
    const world = createWorld({ commands: [testCommand(() => [])] })
    const process = world.start()
    const cause = new EventStoreError('unavailable', 'the disk is away')
    Object.assign(process.store, {
      last: () => {
        throw cause
      },
    })
    expect(await process.submit()).toMatchObject({ kind: 'refused', code: 'unavailable', cause })
    expect(process.gateway.answering).toBe(0)
  })

  test('a gateway that is shutting down does not look', async () => {
    const world = createWorld({ commands: [testCommand(() => [])] })
    const process = world.start()
    await first(world, process)
    Object.assign(process.store, { last: lastOf(world) })
    process.gateway.refuseNew()
    expect(await process.submit()).toMatchObject({ kind: 'refused', code: 'unavailable' })
  })
})
