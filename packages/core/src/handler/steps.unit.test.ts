import { auditGenerations, createWorld, testCommand, type TestHandle } from '@holdfast/testing/command-process'
import type { TestCommandOptions, TestProcess, World } from '@holdfast/testing/command-process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../json.ts'
import type { Resolution } from '../ports/command-transport.ts'
import { stableUuid } from './steps.ts'

const worldOf = (handle: TestHandle, options: TestCommandOptions = {}): World =>
  createWorld({ commands: [testCommand(handle, options)] })

const bodyOf = (resolution: Resolution): unknown =>
  resolution.kind === 'outcome' ? JSON.parse(resolution.response.body) : expect.fail(`it came to ${resolution.kind}`)
const eventsOf = (process: TestProcess, key = 'k') => process.store.log.events(process.streamOf({ key }))
const typesOf = (process: TestProcess, key = 'k'): string[] => eventsOf(process, key).map(({ type }) => type)
const run = async (world: World, process = world.start(), request = {}): Promise<Resolution> => {
  const { resolution } = process.dispatch(request)
  resolution.catch(() => undefined)
  await world.clock.runUntilIdle()
  return resolution
}

describe('a step is recorded', () => {
  test('the acceptance before the first effect, each result before the next step, the last one with the outcome', async () => {
    const seen: string[][] = []
    const world = worldOf(async (_input, ctx) => {
      const look = () => {
        seen.push(world.log.events().map(({ type, data }) => (typeof data['step'] === 'string' ? data['step'] : type)))
      }
      const one = await ctx.step('one', () => (look(), 1))
      const two = await ctx.step('two', () => (look(), one + 1))
      await ctx.step('three', look)
      return { type: 'Made', data: { two } }
    })
    const process = world.start()
    expect(bodyOf(await run(world, process))).toEqual({ two: 2 })
    expect(seen).toEqual([['CommandAccepted'], ['CommandAccepted', 'one'], ['CommandAccepted', 'one', 'two']])
    expect(eventsOf(process).map(({ type, data }) => ({ type, data }))).toEqual([
      { type: 'CommandAccepted', data: {} },
      { type: 'StepCompleted', data: { step: 'one', index: 0, result: 1 } },
      { type: 'StepCompleted', data: { step: 'two', index: 1, result: 2 } },
      { type: 'StepCompleted', data: { step: 'three', index: 2 } },
      { type: 'Made', data: { two: 2 } },
    ])
    // The last result and the outcome are one write: same envelope rules as ever.
    expect(auditGenerations(eventsOf(process))).toHaveLength(1)
  })

  test('a step that was asked for while another runs waits its turn: the order of asking is the order of running', async () => {
    const spans: string[] = []
    const world = worldOf(async (_input, ctx) => {
      const slow = (name: string, ms: number) =>
        ctx.step(name, async () => {
          spans.push(`${name}+`)
          await world.clock.sleep(ms)
          spans.push(`${name}-`)
          return name
        })
      const all = await Promise.all([slow('a', 300), slow('b', 10), slow('c', 100)])
      return { type: 'Made', data: { all } }
    })
    const process = world.start()
    expect(bodyOf(await run(world, process))).toEqual({ all: ['a', 'b', 'c'] })
    expect(spans).toEqual(['a+', 'a-', 'b+', 'b-', 'c+', 'c-'])
    expect(eventsOf(process).flatMap(({ data }) => (data['step'] === undefined ? [] : [data['step']]))).toEqual([
      ...['a', 'b', 'c'],
    ])
  })

  test('a pure command does not pay for steps: no acceptance, one append, one read, no timer', async () => {
    const world = worldOf((input, ctx) => ({ type: 'Made', data: { body: input.body, id: ctx.id } }))
    const process = world.start()
    let [reads, appends] = [0, 0]
    const store = { ...process.store }
    process.store.read = (...args) => (reads++, store.read(...args))
    process.store.append = (...args) => (appends++, store.append(...args))
    const { resolution } = process.dispatch()
    expect(world.clock.pending).toBe(0)
    expect((await resolution).kind).toBe('outcome')
    expect({ reads, appends }).toEqual({ reads: 1, appends: 1 })
    expect(typesOf(process)).toEqual(['Made'])
  })
})

describe('what a step returns', () => {
  const roundTrip = async (result: unknown): Promise<{ first: unknown; replayed: unknown }> => {
    const seen: unknown[] = []
    let failures = 1
    const world = worldOf(
      async (_input, ctx) => {
        seen.push(await ctx.step('one', () => result as JsonValue))
        if (failures-- > 0) throw new Error('this try fails')
        return { type: 'Made', data: {} }
      },
      { retry: { initialDelayMs: 1 } },
    )
    expect((await run(world)).kind).toBe('outcome')
    // And from the stream, in another process.
    const other = world.log.snapshot().events()
    expect(other.filter(({ type }) => type === 'StepCompleted')).toHaveLength(1)
    expect(seen).toHaveLength(2)
    return { first: seen[0], replayed: seen[1] }
  }

  test.each<[string, unknown, unknown]>([
    ['undefined', undefined, undefined],
    ['null', null, null],
    ['a number', 0, 0],
    ['an empty text', '', ''],
    ['false', false, false],
    ['an object', { a: [1, { b: null }] }, { a: [1, { b: null }] }],
    ['a date, as text', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a date within, as text', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['NaN, as null', Number.NaN, null],
    ['a member that is undefined, not at all', { a: undefined }, {}],
    ['something without a JSON form, not at all', () => 1, undefined],
  ])('%s: the same the first time and from the history', async (_name, result, expected) => {
    expect(await roundTrip(result)).toStrictEqual({ first: expected, replayed: expected })
  })

  test('property: any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const expected: unknown = JSON.parse(JSON.stringify(value))
        expect(await roundTrip(value)).toStrictEqual({ first: expected, replayed: expected })
      }),
      { numRuns: 50 },
    )
  })

  test('no caller shares the object: what the command does to it is not recorded', async () => {
    const shared = { list: [1] }
    const world = worldOf(async (_input, ctx) => {
      const mine = await ctx.step('one', () => shared)
      mine.list.push(2)
      await ctx.step('two', () => shared.list)
      return { type: 'Made', data: {} }
    })
    const process = world.start()
    await run(world, process)
    expect(eventsOf(process).map(({ data }) => data['result'])).toEqual([undefined, { list: [1] }, [1], undefined])
  })

  test('larger than the store takes: the step fails, the key does not die', async () => {
    const undone: string[] = []
    const command = testCommand(
      async (_input, ctx) => {
        await ctx.step('small', () => 1, { undo: () => void undone.push('small') })
        await ctx.step('large', () => 'x'.repeat(5_000))
        return { type: 'Made', data: {} }
      },
      { retry: { attempts: 2, initialDelayMs: 1 } },
    )
    const world = createWorld({ commands: [command], maxEventBytes: 4_000 })
    const process = world.start()
    expect(await run(world, process)).toMatchObject({ kind: 'outcome', outcome: 'failed' })
    expect(undone).toEqual(['small'])
    expect(String(process.observed.failures[0]?.error)).toContain('larger than the store accepts')
  })
})

describe('step keys', () => {
  const keysOf = async (world: World, seen: string[], request = {}): Promise<string[]> => {
    seen.length = 0
    await run(world, world.start(), request)
    return [...seen]
  }

  test('the same for each run of a step, in whatever process; another for each step, command and generation', async () => {
    const seen: string[] = []
    let failures = 0
    const world = worldOf(
      async (_input, ctx) => {
        for (const name of ['one', 'two']) {
          await ctx.step(
            name,
            ({ key }) => {
              seen.push(key)
              if (failures-- > 0) throw new Error('the provider is down')
            },
            { retry: { attempts: 2, initialDelayMs: 1 } },
          )
        }
        return { type: 'Made', data: {} }
      },
      { retentionMs: 1_000, retry: { attempts: 3, initialDelayMs: 1 } },
    )
    failures = 3
    const first = await keysOf(world, seen)
    expect(first).toHaveLength(5)
    expect(new Set(first.slice(0, 4))).toEqual(new Set([first[0]]))
    const [one, two] = [first[0], first[4]]
    for (const key of first) expect(key).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    const [otherOne, otherTwo] = await keysOf(world, seen, { key: 'other' })
    await world.clock.advance(1_000)
    const [secondOne, secondTwo] = await keysOf(world, seen)
    expect(new Set([one, two, otherOne, otherTwo, secondOne, secondTwo]).size).toBe(6)
    // Another system with the same command id and generation computes the same.
    const again: string[] = []
    const twin = worldOf(async (_input, ctx) => {
      await ctx.step('one', ({ key }) => void again.push(key))
      return { type: 'Made', data: {} }
    })
    await run(twin)
    expect(again).toEqual([one])
  })

  test('recorded for ever: these never change', () => {
    expect(stableUuid('step', 'c'.repeat(64), '1', 'charge-card')).toBe('7d05be48-ef09-8ae3-b0ee-62ca6fd53693')
  })

  test('property: the parts do not run into each other', () => {
    const part = fc.string({ unit: 'grapheme-ascii', maxLength: 5 })
    fc.assert(
      fc.property(fc.tuple(part, part), fc.tuple(part, part), (one, other) => {
        if (one[0] === other[0] && one[1] === other[1]) return
        expect(stableUuid(...one)).not.toBe(stableUuid(...other))
      }),
    )
  })
})
