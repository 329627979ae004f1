import {
  createWorld,
  testCommand,
  type TestCommandOptions,
  type TestProcess,
  type World,
} from '@holdfast/testing/command-process'
import { expect, test } from 'vitest'
import type { Command } from '../command/define-command.ts'
import type { CommandEnvelope } from '../envelope.ts'
import type { CommandTransport } from '../ports/command-transport.ts'
import type { Answer } from './answer.ts'
import { CommandGateway } from './command-gateway.ts'

interface Setting {
  readonly process: TestProcess
  readonly dispatched: CommandEnvelope[]
  readonly clock: World['clock']
  /** Reads of streams by the gateway. */
  reads(): number
  isReady: boolean
  /** True: what is dispatched is never heard of again. */
  isSilent: boolean
  ask(key: string, body?: string): Promise<Answer>
  /** Asks, and lets all happen that leads to the answer. */
  submit(key: string, body?: string): Promise<Answer>
}

/** A gateway with a journey to a handler that takes commands for new, as in the distributed runtime. */
function setUp(make: Command): Setting {
  const world = createWorld({ commands: [make] })
  const process = world.start({ expectFresh: true })
  const dispatched: CommandEnvelope[] = []
  let reads = 0
  const store = Object.create(process.store, {
    read: {
      value: (...args: Parameters<typeof process.store.read>) => {
        reads++
        return process.store.read(...args)
      },
    },
  }) as typeof process.store
  const transport: CommandTransport = {
    dispatch(envelope) {
      dispatched.push(envelope)
      const never = new Promise<never>(() => undefined)
      if (setting.isSilent) return { resolution: never, durable: () => never, attempts: () => 0 }
      return process.handler.dispatch(envelope)
    },
    ready: () => setting.isReady,
    close: () => Promise.resolve(),
  }
  const gateway = new CommandGateway({
    ...{ transport, store, clock: world.clock, ids: world.ids, clockSkewMs: 0, readFirst: true },
    ...{ maxInFlight: 10, durableTimeoutMs: 5_000 },
  })
  const setting: Setting = {
    process,
    dispatched,
    clock: world.clock,
    reads: () => reads,
    isReady: true,
    isSilent: false,
    ask(name, body = 'a') {
      const { tenant, key, requestId } = process.envelope({ key: name })
      const [command = expect.fail('there is one')] = process.commands
      return gateway.submit({ command, tenant, key, requestId, input: { body }, waitMs: 60_000 })
    },
    async submit(name, body) {
      const answer = setting.ask(name, body)
      await world.clock.runUntilIdle()
      return answer
    },
  }
  return setting
}

const make = (options: TestCommandOptions = {}): Command =>
  testCommand(({ body }, ctx) => ({ type: 'Made', data: { body, id: ctx.id } }), options)

const newKeys = async (setting: Setting, count: number, prefix = 'new'): Promise<void> => {
  for (let at = 1; at <= count; at++) await setting.submit(`${prefix}-${at}`)
}

test('a gateway that has just started looks at each key first', async () => {
  const setting = setUp(make())
  await newKeys(setting, 10)
  expect(setting.reads()).toBe(10)
})

test('while keys are new they are dispatched without a look, and a retry gets the same answer all the same', async () => {
  const setting = setUp(make())
  await newKeys(setting, 100)
  const before = setting.reads()
  expect(before).toBeLessThan(100)
  const first = await setting.submit('k')
  const again = await setting.submit('k')
  expect(again).toEqual({ ...first, replayed: true, source: 'replayed' })
  expect(await setting.submit('k', 'b')).toMatchObject({ kind: 'refused', code: 'idempotency-key-reused' })
  expect(setting.reads()).toBe(before)
  expect(setting.process.store.log.events(setting.process.streamOf({ key: 'k' }))).toHaveLength(1)
})

test('when keys come again it looks first, and spares the journey', async () => {
  const setting = setUp(make())
  await newKeys(setting, 100)
  for (let round = 1; round <= 10; round++) await setting.submit('new-1')
  const dispatched = setting.dispatched.length
  expect(await setting.submit('new-2')).toMatchObject({ kind: 'response', source: 'replayed' })
  expect(setting.dispatched).toHaveLength(dispatched)
})

test('it looks while no command can be dispatched: what is recorded is answered', async () => {
  const setting = setUp(make())
  await newKeys(setting, 100)
  setting.isReady = false
  const dispatched = setting.dispatched.length
  expect(await setting.submit('new-1')).toMatchObject({ kind: 'response', source: 'replayed' })
  expect(setting.dispatched).toHaveLength(dispatched)
})

test.each<{ case: string; command: Command }>([
  { case: 'supersedes', command: make({ identity: 'uri', supersedes: true }) },
  { case: 'answers "in progress"', command: make({ concurrent: 'conflict' }) },
  { case: 'may take long', command: testCommand(async () => Promise.resolve([])) },
])('it always looks for a command that $case', async ({ command }) => {
  const setting = setUp(command)
  await newKeys(setting, 100)
  const before = setting.reads()
  await newKeys(setting, 1, 'other')
  expect(setting.reads()).toBe(before + 1)
})

test('it looks when no answer has come for a second', async () => {
  const setting = setUp(make())
  await newKeys(setting, 100)
  const before = setting.reads()
  setting.isSilent = true
  void setting.ask('lost')
  await setting.clock.advance(1_000)
  void setting.ask('lost-too')
  await setting.clock.advance(1)
  expect(setting.reads()).toBe(before)
  expect(await setting.ask('new-1')).toMatchObject({ kind: 'response', source: 'replayed' })
  expect(setting.reads()).toBe(before + 1)
})

test('it looks again after an attempt was given up', async () => {
  const setting = setUp(make())
  await newKeys(setting, 100)
  setting.process.store.faults.failNextAppend('unavailable')
  expect(await setting.submit('k')).toMatchObject({ kind: 'refused', code: 'unavailable' })
  const before = setting.reads()
  expect(await setting.submit('k')).toMatchObject({ kind: 'response', source: 'executed' })
  expect(setting.reads()).toBe(before + 1)
})
