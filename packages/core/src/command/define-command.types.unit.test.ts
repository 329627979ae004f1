import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { defineApp, type App } from '../app.ts'
import type { JsonObject } from '../json.ts'
import { defineCommand, type Command } from './define-command.ts'
import type { Refusal } from './refusal.ts'
import { created, noContent, ok, type CommandResponse } from './response.ts'

interface OrderPlaced {
  readonly type: 'OrderPlaced'
  readonly data: { readonly order_id: string; readonly quantity: number }
}

const entry = { status: 409, title: 'Out of stock', meaning: 'There is none left.', action: 'Order less.' }

/** What follows is judged by `tsc`: an `@ts-expect-error` without an error fails there. The runtime part is incidental. */
describe('types are inferred from the definition', () => {
  test('input from the schema, after its transformations; event from handle; codes from refusals', () => {
    const command = defineCommand({
      name: 'order.place',
      route: { method: 'POST', path: '/api/order' },
      input: z.object({ product_id: z.string(), quantity: z.coerce.number<string>(), note: z.string().default('') }),
      refusals: { 'out-of-stock': entry, 'too-many': entry },
      fingerprint: (input) => {
        expectTypeOf(input).toEqualTypeOf<{ product_id: string; quantity: number; note: string }>()
        return { product_id: input.product_id }
      },
      handle: (input, ctx): OrderPlaced | Refusal => {
        expectTypeOf(input).toEqualTypeOf<{ product_id: string; quantity: number; note: string }>()
        expectTypeOf<Parameters<typeof ctx.refuse>[0]>().toEqualTypeOf<'out-of-stock' | 'too-many'>()
        expectTypeOf(ctx.now()).toEqualTypeOf<Date>()
        expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
        if (input.quantity > 1_000) return ctx.refuse('too-many', 'At most 1,000.')
        return { type: 'OrderPlaced', data: { order_id: ctx.id, quantity: input.quantity } }
      },
      respond: (event: OrderPlaced) => {
        expectTypeOf(event.data.quantity).toBeNumber()
        return created({ order_id: event.data.order_id })
      },
    })
    expectTypeOf(command.name).toEqualTypeOf<'order.place'>()
    expectTypeOf<keyof typeof command.refusals>().toEqualTypeOf<'out-of-stock' | 'too-many'>()
    expect(command.successStatus).toBe(201)
  })

  test('the event of respond comes from handle alone', () => {
    const command = defineCommand({
      name: 'thing.make',
      route: { method: 'POST', path: '/things' },
      input: z.object({ size: z.int() }),
      handle: async (input) => ({ type: 'ThingMade', data: { size: input.size } }) as const,
      respond: (event, events) => {
        expectTypeOf(event.type).toEqualTypeOf<'ThingMade'>()
        expectTypeOf(event.data.size).toBeNumber()
        expectTypeOf(events).toEqualTypeOf<readonly (typeof event)[]>()
        return created(event.data)
      },
    })
    expect(command.params).toEqual([])
  })

  test('several kinds of events are a union', () => {
    defineCommand({
      name: 'thing.make',
      route: { method: 'POST', path: '/things' },
      input: z.object({}),
      handle: () => [{ type: 'Made', data: { n: 1 } } as const, { type: 'Painted', data: { colour: 'red' } } as const],
      respond: (event) => {
        expectTypeOf(event.type).toEqualTypeOf<'Made' | 'Painted'>()
        return event.type === 'Made' ? ok(event.data.n) : ok(event.data.colour)
      },
    })
  })

  test('what is not declared does not compile', () => {
    const base = { route: { method: 'POST', path: '/x' }, input: z.object({ n: z.number() }) } as const
    const made = (): { type: 'Made'; data: JsonObject } => ({ type: 'Made', data: {} })

    defineCommand({
      name: 'a',
      ...base,
      refusals: { known: entry },
      // @ts-expect-error -- the code is not among the refusals
      handle: (_input, ctx) => (ctx.random() < 2 ? made() : ctx.refuse('unknown', '')),
      respond: () => ok(null),
    })
    defineCommand({
      name: 'b',
      ...base,
      // @ts-expect-error -- this command declares no refusals
      handle: (_input, ctx) => (ctx.random() < 2 ? made() : ctx.refuse('any', '')),
      respond: () => ok(null),
    })
    defineCommand({
      name: 'c',
      ...base,
      // @ts-expect-error -- the schema has no such member
      handle: (input) => ({ type: 'Made', data: { m: typeof input.m } }),
      respond: () => ok(null),
    })
    defineCommand({
      name: 'd',
      ...base,
      // @ts-expect-error -- a date is not JSON: it would come back from the store as text
      handle: () => ({ type: 'Made', data: { at: new Date() } }),
      respond: () => ok(null),
    })
    defineCommand({
      name: 'e',
      ...base,
      handle: made,
      // @ts-expect-error -- a body must be JSON
      respond: () => ok({ size: 1n }),
    })
    defineCommand({
      name: 'f',
      // @ts-expect-error -- a command has an effect: GET is none
      route: { method: 'GET', path: '/x' },
      input: base.input,
      handle: made,
      respond: () => ok(null),
    })
    defineCommand({
      name: 'g',
      route: base.route,
      // @ts-expect-error -- the input is an object: body and path parameters together
      input: z.string(),
      handle: made,
      respond: () => ok(null),
    })
    expect(made().type).toBe('Made')
  })

  test('body from respond, route as it is written; an application keeps both', () => {
    const place = defineCommand({
      name: 'order.place',
      route: { method: 'POST', path: '/api/order' },
      input: z.object({ quantity: z.int() }),
      handle: ({ quantity }) => ({ type: 'OrderPlaced', data: { quantity } }) as const,
      respond: ({ data }) => created({ ...data, status: 'confirmed' }),
    })
    const cancel = defineCommand({
      name: 'order.cancel',
      route: { method: 'DELETE', path: '/api/orders/{order_id}' },
      input: z.object({ order_id: z.string() }),
      handle: ({ order_id }) => ({ type: 'OrderCancelled', data: { order_id } }) as const,
      respond: () => noContent(),
    })
    const app = defineApp({ name: 'orders', commands: [place, cancel] })
    expectTypeOf(app.commands[0].route).toEqualTypeOf<{ readonly method: 'POST'; readonly path: '/api/order' }>()
    expectTypeOf<NonNullable<ReturnType<(typeof app.commands)[0]['respond']>['body']>>().toEqualTypeOf<{
      readonly quantity: number
      readonly status: 'confirmed'
    }>()
    expectTypeOf<ReturnType<(typeof app.commands)[1]['respond']>>().toEqualTypeOf<CommandResponse<undefined>>()
    expectTypeOf(app).toExtend<App>()
    expect(app.commands.map(({ route }) => route.method)).toEqual(['POST', 'DELETE'])
  })

  test('any command fits into an application', () => {
    const one = defineCommand({
      name: 'one',
      route: { method: 'POST', path: '/one' },
      input: z.object({ a: z.string() }),
      refusals: { nope: entry },
      handle: (input, ctx) =>
        input.a === '' ? ctx.refuse('nope', '') : ({ type: 'One', data: { a: input.a } } as const),
      respond: (event) => {
        expectTypeOf(event.type).toEqualTypeOf<'One'>()
        return ok(event.data)
      },
    })
    const other = defineCommand({
      name: 'other',
      route: { method: 'PUT', path: '/other/{id}' },
      identity: 'uri',
      input: z.object({ id: z.string() }),
      handle: () => [],
      respond: () => ok(null),
    })
    expectTypeOf(one).toExtend<Command>()
    expect(defineApp({ name: 'both', commands: [one, other] }).commands).toHaveLength(2)
  })
})
