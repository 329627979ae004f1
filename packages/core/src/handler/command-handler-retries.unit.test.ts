import {
  createWorld,
  testCommand,
  type TestHandle,
  type TestProcess,
  type World,
} from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import type { RetryPolicy } from '../command/retry-policy.ts'
import { ok } from '../command/response.ts'
import { keyMetadata } from '../key-state/state.ts'
import { AttemptTimeout } from './attempt.ts'

const retry: RetryPolicy = { attempts: 5, initialDelayMs: 100, maxDelayMs: 1_000, timeoutMs: 10_000 }
const made = { type: 'Made', data: {} }

/** A command whose tries fail as often as told. */
function failing(times: number, policy: Partial<RetryPolicy> = {}) {
  const state = { tries: 0, times }
  const command = testCommand(
    () => {
      state.tries++
      if (state.tries <= state.times) throw new Error(`secret fault ${state.tries}`)
      return made
    },
    { retry: { ...retry, ...policy } },
  )
  return { state, command }
}
const typesOf = (process: TestProcess): string[] => process.store.log.events(process.streamOf()).map(({ type }) => type)

describe('a fault is tried again', () => {
  test('and each failed try is on the stream, with the acceptance in the same append as the first', async () => {
    const { command } = failing(2)
    const world = createWorld({ commands: [command] })
    const process = world.start()
    const dispatch = process.dispatch()
    await world.clock.runUntilIdle()
    expect(await dispatch.resolution).toMatchObject({ kind: 'outcome', outcome: 'succeeded' })
    expect(typesOf(process)).toEqual(['CommandAccepted', 'AttemptFailed', 'AttemptFailed', 'Made'])
    const events = world.log.events()
    expect(events[0]?.recordedAtMs).toBe(events[1]?.recordedAtMs)
    expect(events.map(({ data }) => data['attempt'])).toEqual([undefined, 1, 2, undefined])
    expect(events.at(-1) && keyMetadata(events.at(-1) ?? expect.fail()).outcome?.attempts).toBe(3)
    expect(process.observed.failures.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(process.observed.decided).toEqual([{ outcome: 'succeeded', attempts: 3 }])
  })

  test('after a pause that doubles up to its bound, and never at once', async () => {
    const { command } = failing(6, { attempts: 7 })
    const world = createWorld({ commands: [command] })
    void world.start().dispatch()
    await world.clock.runUntilIdle()
    const pauses = world.log
      .events()
      .filter(({ type }) => type === 'AttemptFailed')
      .map(({ data, recordedAtMs }) => Number(data['next_attempt_at_ms']) - recordedAtMs)
    const bounds = [100, 200, 400, 800, 1_000, 1_000]
    expect(pauses).toHaveLength(bounds.length)
    for (const [at, pauseMs] of pauses.entries()) {
      expect(pauseMs).toBeGreaterThanOrEqual(1)
      expect(pauseMs).toBeLessThanOrEqual((bounds[at] ?? 0) + 1)
    }
  })

  test('and attempts() tells how often, as far as this process knows', async () => {
    const { command } = failing(1, { initialDelayMs: 1_000 })
    const world = createWorld({ commands: [command] })
    const dispatch = world.start().dispatch()
    expect(dispatch.attempts()).toBe(0)
    await world.clock.settle()
    expect(dispatch.attempts()).toBe(1)
    await world.clock.runUntilIdle()
    expect(dispatch.attempts()).toBe(2)
  })

  test('one failing key does not hold up another', async () => {
    const command = testCommand(
      (_input, { key }) => {
        if (key === 'bad') throw new Error('always')
        return made
      },
      { retry },
    )
    const process = createWorld({ commands: [command] }).start()
    void process.dispatch({ key: 'bad' })
    expect(await process.dispatch({ key: 'good' }).resolution).toMatchObject({ outcome: 'succeeded' })
  })
})

describe('a definite failure', () => {
  test('is recorded after the last try, and replayed; it tells nothing of the fault', async () => {
    const { command, state } = failing(100, { attempts: 3 })
    const world = createWorld({ commands: [command] })
    const process = world.start()
    const dispatch = process.dispatch()
    await world.clock.runUntilIdle()
    const resolution = await dispatch.resolution
    expect(resolution).toMatchObject({ kind: 'outcome', outcome: 'failed', response: { status: 500 } })
    const { response } = resolution.kind === 'outcome' ? resolution : expect.fail(resolution.kind)
    expect(JSON.parse(response.body)).toMatchObject({ type: '/problems/command-failed', retryable: false })
    expect(response.body).not.toContain('secret')
    expect(response.headers['link']).toBe('</problems/command-failed>; rel="describedby"')
    expect(typesOf(process)).toEqual(['CommandAccepted', 'AttemptFailed', 'AttemptFailed', 'CommandFailed'])
    expect(state.tries).toBe(3)
    expect(await process.dispatch().resolution).toEqual(resolution)
    expect(state.tries).toBe(3)
  })

  test('with a single attempt there is no acceptance in between', async () => {
    const { command } = failing(1, { attempts: 1 })
    const process = createWorld({ commands: [command] }).start()
    expect(await process.dispatch().resolution).toMatchObject({ outcome: 'failed' })
    expect(typesOf(process)).toEqual(['CommandFailed'])
  })

  test.each<{ case: string; handle: TestHandle; respond?: () => ReturnType<typeof ok> }>([
    { case: 'a response that cannot be rendered', handle: () => made, respond: () => ok({}, { 'set-cookie': 'a' }) },
    {
      case: 'a response that throws',
      handle: () => made,
      respond: () => {
        throw new Error('no')
      },
    },
    { case: 'a refusal that is not declared', handle: (_input, ctx) => ctx.refuse('other' as 'test-refused', '') },
    { case: 'no event at all', handle: () => undefined as unknown as typeof made },
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is what is tried
    { case: 'something thrown that is no error', handle: () => Promise.reject('text') },
  ])('$case is a fault like any other', async ({ handle, respond }) => {
    const command = testCommand(handle, { retry: { ...retry, attempts: 2 }, ...(respond && { respond }) })
    const world = createWorld({ commands: [command] })
    const process = world.start()
    const dispatch = process.dispatch()
    await world.clock.runUntilIdle()
    expect(await dispatch.resolution).toMatchObject({ outcome: 'failed' })
    expect(process.observed.failures).toHaveLength(2)
  })

  test('a long error text is cut on the stream', async () => {
    const command = testCommand(
      () => {
        throw new Error('x'.repeat(10_000))
      },
      { retry: { ...retry, attempts: 2 } },
    )
    const world = createWorld({ commands: [command] })
    void world.start().dispatch()
    await world.clock.runUntilIdle()
    expect(world.log.events()[1]?.data['error']).toHaveLength(500)
  })
})

describe('a restart goes on counting', () => {
  test('tries are counted across processes', async () => {
    const { command, state } = failing(100, { attempts: 4 })
    const world = createWorld({ commands: [command] })
    const first = world.start()
    void first.dispatch()
    await world.clock.settle()
    expect(state.tries).toBe(1)
    first.store.faults.crash()
    const second = world.start()
    const dispatch = second.dispatch()
    await world.clock.runUntilIdle()
    expect(await dispatch.resolution).toMatchObject({ outcome: 'failed' })
    expect(second.observed.failures.map(({ attempt }) => attempt)).toEqual([2, 3, 4])
    const { outcome } = keyMetadata(world.log.events().at(-1) ?? expect.fail())
    expect(outcome?.attempts).toBe(4)
  })

  test('the pause is kept, as far as its bound', async () => {
    const { command } = failing(1, { initialDelayMs: 60_000, maxDelayMs: 60_000 })
    const world = createWorld({ commands: [command] })
    const first = world.start()
    void first.dispatch()
    await world.clock.settle()
    first.store.faults.crash()
    const nextMs = Number(world.log.events().at(-1)?.data['next_attempt_at_ms'])
    const next = world.start().dispatch()
    await world.clock.advance(nextMs - world.clock.nowMs() - 1)
    expect(next.attempts()).toBe(1)
    await world.clock.advance(1)
    expect(next.attempts()).toBe(2)
    expect(await next.resolution).toMatchObject({ outcome: 'succeeded' })
    // By a clock that is far behind, the pause would be endless.
    const other = failing(1, { initialDelayMs: 1_000, maxDelayMs: 1_000 })
    const behind = createWorld({ commands: [other.command] })
    const dead = behind.start()
    void dead.dispatch()
    await behind.clock.settle()
    dead.store.faults.crash()
    const late = behind.start({ skewMs: -86_400_000 }).dispatch()
    await behind.clock.advance(1_000)
    expect(await late.resolution).toMatchObject({ outcome: 'succeeded' })
  })
})

describe('a try that takes too long', () => {
  test('is given up, its signal fires, and what it says later is not heard', async () => {
    const signals: AbortSignal[] = []
    let say: (event: typeof made) => void = () => undefined
    const command = testCommand(
      (_input, ctx) => {
        signals.push(ctx.signal)
        return signals.length === 1 ? new Promise((resolve) => (say = resolve)) : { type: 'Second', data: {} }
      },
      { retry: { ...retry, timeoutMs: 500 } },
    )
    const world = createWorld({ commands: [command] })
    const process = world.start()
    const dispatch = process.dispatch()
    await world.clock.advance(499)
    expect([signals.length, signals[0]?.aborted]).toEqual([1, false])
    await world.clock.advance(1)
    expect(signals[0]?.aborted).toBe(true)
    expect(signals[0]?.reason).toBeInstanceOf(AttemptTimeout)
    say({ type: 'First', data: {} })
    await world.clock.runUntilIdle()
    expect(await dispatch.resolution).toMatchObject({ outcome: 'succeeded' })
    expect(typesOf(process)).toEqual(['CommandAccepted', 'AttemptFailed', 'Second'])
    expect(process.observed.failures[0]?.error).toBeInstanceOf(AttemptTimeout)
    expect([signals[1]?.aborted, world.clock.pending]).toEqual([false, 0])
  })

  test('finds its signal fired, also when it looks at it only afterwards', async () => {
    const seen: boolean[] = []
    const command = testCommand(
      async (_input, ctx) => {
        await world.clock.sleep(200)
        seen.push(ctx.signal.aborted)
        return made
      },
      { retry: { ...retry, attempts: 1, timeoutMs: 100 } },
    )
    const world: World = createWorld({ commands: [command] })
    void world.start().dispatch()
    await world.clock.runUntilIdle()
    expect(seen).toEqual([true])
  })
})
