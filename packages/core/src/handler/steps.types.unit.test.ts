import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { defineAggregate, reject, type ExecuteResult } from '../aggregate/define-aggregate.ts'
import type { CommandContext } from '../command/context.ts'
import { defineCommand } from '../command/define-command.ts'
import { created } from '../command/response.ts'
import type { StepRun } from '../command/step.ts'

type Charge = {
  readonly id: string
  readonly amount: number
  readonly lines: readonly { readonly text: string }[]
}
type Reserved = { readonly type: 'StockReserved'; readonly data: { readonly quantity: number } }
type Added = { readonly type: 'StockAdded'; readonly data: { readonly quantity: number } }
type StockCommand = { readonly type: 'reserve' | 'add'; readonly quantity: number }

const inventory = defineAggregate({
  name: 'inventory',
  initial: Number(0),
  evolve: (stock, event: Reserved | Added) => {
    expectTypeOf(stock).toEqualTypeOf<number>()
    return event.type === 'StockAdded' ? stock + event.data.quantity : stock - event.data.quantity
  },
  decide: (command: StockCommand, stock) => {
    if (command.type === 'add') return { type: 'StockAdded', data: { quantity: command.quantity } } as const
    return command.quantity > stock
      ? reject({ left: stock })
      : ({ type: 'StockReserved', data: { quantity: command.quantity } } as const)
  },
})
const counter = defineAggregate({
  name: 'counter',
  initial: { count: 0 },
  evolve: ({ count }) => ({ count: count + 1 }),
  decide: () => [{ type: 'Counted', data: {} } as const],
})
/** Never called: the bodies are for `tsc`. */
const within = (body: (ctx: CommandContext) => Promise<unknown>): void => expect(body).toBeTypeOf('function')

/** What follows is judged by `tsc`: an `@ts-expect-error` without an error fails there. The runtime part is incidental. */
describe('ctx.step infers its result', () => {
  test('JSON, from functions and promises; nothing', () => {
    within(async (ctx) => {
      expectTypeOf(await ctx.step('a', (): number => 7)).toEqualTypeOf<number>()
      expectTypeOf(await ctx.step('b', async () => ({ id: 'x', n: [1] }))).toEqualTypeOf<{ id: string; n: number[] }>()
      const charge = await ctx.step('c', (): Promise<Charge> => Promise.reject(new Error('never')))
      expectTypeOf(charge).toEqualTypeOf<Charge>()
      expectTypeOf(await ctx.step('d', () => undefined)).toEqualTypeOf<undefined>()
      expectTypeOf(await ctx.step('e', async () => void (await Promise.resolve(1)))).toEqualTypeOf<undefined>()
      const send = (): Promise<void> => Promise.resolve()
      expectTypeOf(await ctx.step('h', send)).toEqualTypeOf<void>()
      await ctx.step('i', async () => {
        await send()
      })
      expectTypeOf(await ctx.step('f', () => null)).toEqualTypeOf<null>()
      const maybe = (): Charge | undefined => undefined
      expectTypeOf(await ctx.step('g', maybe)).toEqualTypeOf<Charge | undefined>()
    })
  })

  test('the run is told its key, its attempt and a signal; undo gets the result', () => {
    within(async (ctx) => {
      await ctx.step(
        'a',
        (run): Charge => {
          expectTypeOf(run).toEqualTypeOf<StepRun>()
          expectTypeOf(run.signal).toEqualTypeOf<AbortSignal>()
          return { id: run.key, amount: run.attempt, lines: [] }
        },
        {
          retry: { attempts: 2 },
          atMostOnce: true,
          undo: (charge, run) => {
            expectTypeOf(charge).toEqualTypeOf<Charge>()
            expectTypeOf(run).toEqualTypeOf<StepRun>()
          },
        },
      )
    })
  })

  test('what is not JSON does not compile: it would come back as something else', () => {
    within(async (ctx) => {
      // @ts-expect-error -- a date comes back as text
      await ctx.step('a', () => new Date())
      // @ts-expect-error -- a map comes back as {}
      await ctx.step('b', () => ({ found: new Map() }))
      // @ts-expect-error -- a bigint has no JSON
      await ctx.step('c', () => 1n)
      // @ts-expect-error -- retries are numbers
      await ctx.step('d', () => 1, { retry: { attempts: 'many' } })
      // @ts-expect-error -- a step needs its name
      await ctx.step(() => 1)
    })
  })
})

describe('ctx.execute infers from the aggregate', () => {
  test('its result: the events, or the reason of the rejection', () => {
    within(async (ctx) => {
      const stock = await ctx.execute(inventory, 'abc', { command: { type: 'reserve', quantity: 1 } })
      expectTypeOf(stock).toEqualTypeOf<ExecuteResult<Reserved | Added, { readonly left: number }>>()
      if (stock.kind === 'rejected') expectTypeOf(stock.reason.left).toBeNumber()
      else expectTypeOf(stock.events[0]?.data.quantity).toEqualTypeOf<number | undefined>()
    })
  })

  test('an aggregate that never rejects has no reason', () => {
    within(async (ctx) => {
      const counted = await ctx.execute(counter, 'one', { command: null })
      if (counted.kind === 'rejected') expectTypeOf(counted.reason).toEqualTypeOf<never>()
    })
  })

  test('undo gets the events and returns a command', () => {
    within(async (ctx) => {
      await ctx.execute(inventory, 'abc', {
        step: 'reserve-stock',
        command: { type: 'reserve', quantity: 1 },
        undo: (events) => {
          expectTypeOf(events).toEqualTypeOf<readonly (Reserved | Added)[]>()
          return { type: 'add', quantity: events[0]?.data.quantity ?? 0 }
        },
      })
    })
  })

  test('what the aggregate does not know does not compile', () => {
    within(async (ctx) => {
      // @ts-expect-error -- no such command
      await ctx.execute(inventory, 'abc', { command: { type: 'steal', quantity: 1 } })
      // @ts-expect-error -- undo returns a command of the aggregate
      await ctx.execute(inventory, 'abc', { command: { type: 'add', quantity: 1 }, undo: () => ({ type: 'steal' }) })
      // @ts-expect-error -- an aggregate is named by text
      await ctx.execute(inventory, 7, { command: { type: 'add', quantity: 1 } })
    })
  })
})

test('a command with steps infers its event from them', () => {
  const command = defineCommand({
    name: 'order.place',
    route: { method: 'POST', path: '/api/order' },
    input: z.object({ sku: z.string() }),
    handle: async ({ sku }, ctx) => {
      const stock = await ctx.execute(inventory, sku, { command: { type: 'reserve', quantity: 1 } })
      const label = await ctx.step('label', () => ({ tracking: 'T-1' }))
      return { type: 'OrderPlaced', data: { ...label, reserved: stock.kind === 'done' } } as const
    },
    respond: ({ data }) => {
      expectTypeOf(data).toEqualTypeOf<{ readonly reserved: boolean; readonly tracking: string }>()
      return created(data)
    },
  })
  expect(command.name).toBe('order.place')
})
