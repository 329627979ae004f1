import { created, defineApp, defineCommand, noContent, type App } from '@holdfast/core'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { createClient } from './client.ts'
import { routesOf } from './routes.ts'

const entry = { status: 409, title: 'Out of stock', meaning: 'There is none left.', action: 'Order less.' }

const place = defineCommand({
  name: 'order.place',
  route: { method: 'POST', path: '/api/order' },
  input: z.strictObject({ product_id: z.string(), quantity: z.coerce.number<string>(), note: z.string().default('') }),
  refusals: { 'out-of-stock': entry, 'card-declined': entry },
  handle: (input, ctx) =>
    input.quantity > 9
      ? ctx.refuse('out-of-stock', '')
      : ({ type: 'OrderPlaced', data: { order_id: ctx.id, quantity: input.quantity } } as const),
  respond: ({ data }) => created({ ...data, status: 'confirmed' }),
})

const cancel = defineCommand({
  name: 'order.cancel',
  route: { method: 'DELETE', path: '/api/orders/{order_id}' },
  identity: 'uri',
  input: z.strictObject({ order_id: z.string() }),
  handle: ({ order_id }) => ({ type: 'OrderCancelled', data: { order_id } }) as const,
  respond: () => noContent(),
})

const app = defineApp({ name: 'orders', commands: [place, cancel] })
const baseUrl = 'http://127.0.0.1:1'

/** What follows is judged by `tsc`: an `@ts-expect-error` without an error fails there. Nothing is sent. */
const never = (..._calls: (() => unknown)[]): void => undefined

describe('a client is typed from the application', () => {
  test('by name and by route: input before its transformations, body of respond, codes of refusals', () => {
    const client = createClient<typeof app>({ baseUrl, routes: routesOf(app) })
    never(async () => {
      for (const outcome of [
        await client.send('order.place', { product_id: 'abc', quantity: '2' }),
        await client.send('POST /api/order', { product_id: 'abc', quantity: '2', note: 'x' }, { key: 'k' }),
      ]) {
        if (outcome.kind === 'succeeded') {
          expectTypeOf(outcome.body).toEqualTypeOf<{
            readonly order_id: string
            readonly quantity: number
            readonly status: 'confirmed'
          }>()
        } else {
          expectTypeOf(outcome.refusal.code).toEqualTypeOf<'out-of-stock' | 'card-declined'>()
        }
        expectTypeOf(outcome.expiresAt).toEqualTypeOf<Date>()
      }
    })
    never(async () => {
      const outcome = await client.send('order.cancel', { order_id: 'o-1' })
      if (outcome.kind === 'succeeded') expectTypeOf(outcome.body).toEqualTypeOf<undefined>()
      else expectTypeOf(outcome.refusal.code).toEqualTypeOf<never>()
    })
    expect(routesOf(app)).toEqual({ 'order.place': 'POST /api/order', 'order.cancel': 'DELETE /api/orders/{order_id}' })
  })

  test('what the application does not have does not compile', () => {
    const client = createClient<typeof app>({ baseUrl })
    never(
      // @ts-expect-error -- no such route
      () => client.send('POST /api/orders', {}),
      // @ts-expect-error -- no names without routes
      () => client.send('order.place', { product_id: 'abc', quantity: '2' }),
      // @ts-expect-error -- a member is missing
      () => client.send('POST /api/order', { product_id: 'abc' }),
      // @ts-expect-error -- a member is of another type
      () => client.send('POST /api/order', { product_id: 'abc', quantity: 2 }),
      // @ts-expect-error -- a member that nobody knows
      () => client.send('POST /api/order', { product_id: 'abc', quantity: '2', colour: 'red' }),
      // @ts-expect-error -- the parameter of the path is missing
      () => client.send('DELETE /api/orders/{order_id}', {}),
    )
    expectTypeOf<Parameters<typeof client.send>[0]>().toEqualTypeOf<
      'POST /api/order' | 'DELETE /api/orders/{order_id}'
    >()
  })

  test('a map of routes is held to the application', () => {
    createClient<typeof app>({
      baseUrl,
      routes: { 'order.place': 'POST /api/order', 'order.cancel': 'DELETE /api/orders/{order_id}' },
    })
    // @ts-expect-error -- a command is missing
    createClient<typeof app>({ baseUrl, routes: { 'order.place': 'POST /api/order' } })
    const changed = { 'order.place': 'POST /api/orders', 'order.cancel': 'DELETE /api/orders/{order_id}' } as const
    // @ts-expect-error -- the route has changed
    createClient<typeof app>({ baseUrl, routes: changed })
  })

  test('without a type, or with an application of any commands, it takes any route', () => {
    const untyped = createClient({ baseUrl })
    const anyApp = createClient<App>({ baseUrl })
    never(
      () => untyped.send('POST /anything', { a: 1 }),
      () => anyApp.send('POST /anything', { a: 1 }),
      // @ts-expect-error -- not a route
      () => untyped.send('anything', {}),
    )
    expect(() => createClient({ baseUrl: 'ftp://x' })).toThrow(TypeError)
    expect(() => createClient({ baseUrl, retry: { waitMs: 60_001 } })).toThrow(TypeError)
  })
})
