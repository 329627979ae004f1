import {
  createWorld,
  testCommand,
  type ProcessOptions,
  type TestProcess,
  type World,
} from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { CommandTransport } from '../ports/command-transport.ts'
import type { Answer } from './answer.ts'
import { CommandGateway } from './command-gateway.ts'

const setUp = (options: Parameters<typeof testCommand>[1] = {}, process: ProcessOptions = {}) => {
  const command = testCommand(
    ({ body }) => world.clock.sleep(1_000).then(() => ({ type: 'Made', data: { body } })),
    options,
  )
  const world: World = createWorld({ commands: [command], maxEventBytes: 10_000 })
  return { world, process: world.start(process), clock: world.clock }
}
const typesOf = (process: TestProcess): string[] => process.store.log.events(process.streamOf()).map(({ type }) => type)
const kindOf = (answer: Answer): string => (answer.kind === 'refused' ? answer.code : answer.kind)
/** The answer if there is one once everything that can run has run. */
async function now(world: World, answer: Promise<Answer>): Promise<string> {
  let kind = 'none'
  void answer.then((each) => (kind = kindOf(each)))
  await world.clock.settle()
  return kind
}

describe('a caller waits', () => {
  test('until the outcome is there', async () => {
    const { world, process, clock } = setUp()
    const answer = process.submit({ waitMs: 1_001 })
    await clock.advance(999)
    expect(await now(world, answer)).toBe('none')
    await clock.advance(1)
    expect(await now(world, answer)).toBe('response')
    expect(typesOf(process)).toEqual(['Made'])
  })

  test('until his time is up: then the command is made durable, and he is told so', async () => {
    const { world, process, clock } = setUp()
    const answer = process.submit({ waitMs: 400 })
    await clock.advance(399)
    expect(await now(world, answer)).toBe('none')
    expect(typesOf(process)).toEqual([])
    await clock.advance(1)
    expect(await answer).toMatchObject({ kind: 'pending', state: 'accepted', attempts: 1 })
    expect(typesOf(process)).toEqual(['CommandAccepted'])
    await clock.runUntilIdle()
    expect(await process.submit()).toMatchObject({ kind: 'response', replayed: true })
    expect(typesOf(process)).toEqual(['CommandAccepted', 'Made'])
  })

  test('each his own time', async () => {
    const { world, process, clock } = setUp()
    const answers = [100, 500, 5_000].map((waitMs) => process.submit({ waitMs }))
    await clock.advance(100)
    const told = async (): Promise<string[]> => Promise.all(answers.map((answer) => now(world, answer)))
    expect(await told()).toEqual(['pending', 'none', 'none'])
    await clock.advance(400)
    expect(await told()).toEqual(['pending', 'pending', 'none'])
    await clock.advance(500)
    expect(await told()).toEqual(['pending', 'pending', 'response'])
  })

  test('not at all when he says so (waitMs 0): 202 as soon as it is durable', async () => {
    const { world, process, clock } = setUp()
    const release = process.store.faults.holdAppends()
    const answer = process.submit({ waitMs: 0 })
    expect(await now(world, answer)).toBe('none')
    release()
    await clock.advance(0)
    expect(await now(world, answer)).toBe('pending')
    expect(typesOf(process)).toEqual(['CommandAccepted'])
  })

  test.each([true, false])(
    'a retry after completion gets what is recorded, whatever he says about waiting (%s)',
    async (readFirst) => {
      const { process, clock } = setUp({}, { readFirst })
      const first = process.submit()
      await clock.runUntilIdle()
      const retry = process.submit({ waitMs: 0 })
      await clock.runUntilIdle()
      expect(await retry).toEqual({ ...(await first), replayed: true, source: 'replayed' })
    },
  )

  test('a caller who waited gets the outcome when the command becomes durable by it', async () => {
    const { world, process, clock } = setUp()
    const release = process.store.faults.holdAppends()
    const answer = process.submit({ waitMs: 1_200 })
    await clock.advance(1_500)
    expect(await now(world, answer)).toBe('none')
    release()
    expect(await now(world, answer)).toBe('response')
    expect(typesOf(process)).toEqual(['Made'])
  })
})

describe('a key means one request: 422 also for callers who do not wait', () => {
  test.each([0, 100])('with waitMs %d, when another request is recorded', async (waitMs) => {
    const { process, clock } = setUp()
    const first = process.submit()
    await clock.runUntilIdle()
    await first
    const wrong = process.submit({ body: 'b', waitMs })
    await clock.runUntilIdle()
    expect(kindOf(await wrong)).toBe('idempotency-key-reused')
  })

  test.each([true, false])('also when the gateway reads first (%s), and an expired key is gone', async (readFirst) => {
    const { process, clock } = setUp({ expired: 'gone', retentionMs: 10 }, { readFirst })
    const first = process.submit()
    await clock.runUntilIdle()
    await first
    await clock.advance(10)
    const [wrong, late] = [process.submit({ body: 'b', waitMs: 0 }), process.submit({ waitMs: 0 })]
    await clock.runUntilIdle()
    // The first of the two was in flight when the other came, with another body. A gateway that reads first knows by the
    // stream that the key is the other's all the same.
    const owner = readFirst ? 'idempotency-key-expired' : 'idempotency-key-reused'
    expect([kindOf(await wrong), kindOf(await late)]).toEqual(['idempotency-key-reused', owner])
    const again = process.submit({ waitMs: 0 })
    await clock.runUntilIdle()
    expect(kindOf(await again)).toBe('idempotency-key-expired')
  })

  test('an input that is too large for the store is no reason to retry', async () => {
    const { process, clock } = setUp()
    const answer = process.submit({ body: 'x'.repeat(20_000), waitMs: 0 })
    await clock.runUntilIdle()
    expect(kindOf(await answer)).toBe('body-too-large')
    expect(typesOf(process)).toEqual([])
  })
})

describe('202 is said only when it is true', () => {
  test('a store that is away turns it into unavailable, and the command may still come to its outcome', async () => {
    const { process, clock } = setUp()
    const answer = process.submit({ waitMs: 400 })
    await clock.settle()
    process.store.faults.down = true
    await clock.advance(400)
    expect(kindOf(await answer)).toBe('unavailable')
    process.store.faults.down = false
    await clock.runUntilIdle()
    expect(typesOf(process)).toEqual(['Made'])
  })

  test('a store that hangs as well, after the time for it', async () => {
    const { world, process, clock } = setUp({}, { durableTimeoutMs: 300 })
    const release = process.store.faults.holdAppends()
    const answer = process.submit({ waitMs: 0 })
    await clock.advance(299)
    expect(await now(world, answer)).toBe('none')
    await clock.advance(1)
    expect(await now(world, answer)).toBe('unavailable')
    release()
    await clock.runUntilIdle()
    // The acceptance was under way, and the key comes to its outcome by itself.
    expect(typesOf(process)).toEqual(['CommandAccepted', 'Made'])
  })

  test('what is durable is not called unavailable because the handler lets go of it', async () => {
    const { process, clock } = setUp({}, { graceMs: 0 })
    const answer = process.submit({ waitMs: 0 })
    const closed = process.handler.close()
    await clock.runUntilIdle()
    await closed
    const kind = kindOf(await answer)
    expect(typesOf(process)).toEqual(kind === 'pending' ? ['CommandAccepted'] : [])
  })
})

describe('drain', () => {
  test('answers whoever waits with 202, as soon as the command is durable', async () => {
    const { world, process, clock } = setUp()
    const answers = [process.submit({ key: 'k1' }), process.submit({ key: 'k1' }), process.submit({ key: 'k2' })]
    await clock.settle()
    process.gateway.drain()
    await clock.advance(0)
    expect(await Promise.all(answers.map((answer) => now(world, answer)))).toEqual(['pending', 'pending', 'pending'])
    expect(world.log.events().map(({ type }) => type)).toEqual(['CommandAccepted', 'CommandAccepted'])
  })

  test('answers with the outcome where that is there already, and with refusals as ever', async () => {
    const { process, clock } = setUp()
    const first = process.submit()
    await clock.runUntilIdle()
    await first
    const answers = [process.submit(), process.submit({ key: 'k2', body: 'x'.repeat(20_000) })]
    const wrong = process.submit({ body: 'b' })
    process.gateway.drain()
    await clock.runUntilIdle()
    const kinds = (await Promise.all([...answers, wrong])).map(kindOf)
    expect(kinds).toEqual(['response', 'body-too-large', 'idempotency-key-reused'])
  })

  test('takes nothing new, but attaches to what is in flight', async () => {
    const { world, process, clock } = setUp()
    const first = process.submit({ key: 'k1' })
    await clock.settle()
    process.gateway.drain()
    expect(kindOf(await process.submit({ key: 'k2' }))).toBe('unavailable')
    const attached = process.submit({ key: 'k1' })
    await clock.advance(0)
    expect([await now(world, first), await now(world, attached)]).toEqual(['pending', 'pending'])
    expect(world.log.events(process.streamOf({ key: 'k2' }))).toEqual([])
  })

  test('refuseNew alone lets those who wait go on waiting', async () => {
    const { world, process, clock } = setUp()
    const first = process.submit({ key: 'k1' })
    process.gateway.refuseNew()
    expect(kindOf(await process.submit({ key: 'k2' }))).toBe('unavailable')
    const attached = process.submit({ key: 'k1' })
    expect(await now(world, attached)).toBe('none')
    await clock.runUntilIdle()
    expect([kindOf(await first), kindOf(await attached)]).toEqual(['response', 'response'])
  })
})

describe('supersedes', () => {
  const superseding = { identity: 'uri', supersedes: true } as const

  test('the newer body waits for the running one, and then executes', async () => {
    const { process, clock } = setUp(superseding)
    const [first, second] = [process.submit(), process.submit({ body: 'b' })]
    await clock.runUntilIdle()
    expect(await first).toMatchObject({ response: { body: '{"body":"a"}' }, replayed: false })
    expect(await second).toMatchObject({ response: { body: '{"body":"b"}' }, replayed: false })
    expect(typesOf(process)).toEqual(['Made', 'Made'])
  })

  test('all its waiting counts against one deadline', async () => {
    const { world, process, clock } = setUp(superseding)
    const [first, second] = [process.submit(), process.submit({ body: 'b', waitMs: 1_300 })]
    await clock.advance(1_000)
    expect(await now(world, first)).toBe('response')
    await clock.advance(299)
    expect(await now(world, second)).toBe('none')
    await clock.advance(1)
    expect(await now(world, second)).toBe('pending')
    expect(typesOf(process)).toEqual(['Made', 'CommandAccepted'])
  })

  test('whose time is up before the running one ends is told that nothing of it is durable', async () => {
    const { process, clock } = setUp(superseding)
    const [first, second] = [process.submit(), process.submit({ body: 'b', waitMs: 500 })]
    await clock.runUntilIdle()
    expect([kindOf(await first), kindOf(await second)]).toEqual(['response', 'unavailable'])
    expect(typesOf(process)).toEqual(['Made'])
  })

  test('says to the handler which generation it was made after, where it is a journey to it', async () => {
    const { process, world } = setUp(superseding)
    const sent: (number | undefined)[] = []
    const transport: CommandTransport = {
      dispatch(envelope) {
        sent.push(envelope.basedOnGeneration)
        return process.handler.dispatch(envelope)
      },
      ready: () => true,
      close: () => Promise.resolve(),
    }
    const gateway = new CommandGateway({
      ...{ transport, store: process.store, clock: world.clock, ids: world.ids, clockSkewMs: 0, readFirst: true },
      ...{ maxInFlight: 10, durableTimeoutMs: 5_000 },
    })
    const [command = expect.fail('there is one')] = process.commands
    for (const body of ['a', 'b', 'c']) {
      const { tenant, key, requestId } = process.envelope({ body })
      const answer = gateway.submit({ command, tenant, key, requestId, input: { body }, waitMs: 60_000 })
      await world.clock.runUntilIdle()
      expect(kindOf(await answer)).toBe('response')
    }
    expect(sent).toEqual([0, 1, 2])
  })

  test('goes on when the running one is given up', async () => {
    const { process, clock } = setUp(superseding)
    process.store.faults.failNextAppend('unavailable')
    const [first, second] = [process.submit(), process.submit({ body: 'b' })]
    await clock.runUntilIdle()
    expect([kindOf(await first), kindOf(await second)]).toEqual(['unavailable', 'response'])
    expect(typesOf(process)).toEqual(['Made'])
  })
})
