import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { defineAggregate } from '../aggregate/define-aggregate.ts'
import { defineApp } from '../app.ts'
import { defineCommand, type DomainEvent } from '../command/define-command.ts'
import { created } from '../command/response.ts'
import type { JsonObject } from '../json.ts'
import type { RecordedEvent } from '../ports/event-store.ts'
import { defineProjection, type ProjectionSpec } from './define-projection.ts'
import { projectionEventOf, type EventOf } from './projection-event.ts'

type OrderPlaced = DomainEvent<'OrderPlaced', { readonly order_id: string; readonly quantity: number }>
type OrderCancelled = DomainEvent<'OrderCancelled', { readonly order_id: string }>
interface Sales {
  readonly [member: string]: number
  readonly sold: number
}

const recorded = (fields: Partial<RecordedEvent>): RecordedEvent => ({
  id: 'e-1',
  type: 'OrderPlaced',
  data: {},
  metadata: {},
  stream: 's',
  revision: 0n,
  position: 1n,
  recordedAtMs: 5,
  ...fields,
})

describe('defineProjection', () => {
  test('events are told apart by their type, and the application lists it', () => {
    const sales = defineProjection<Sales, OrderPlaced | OrderCancelled>({
      name: 'sales-per-product',
      initial: { sold: 0 },
      key: (event) => {
        expectTypeOf(event.type).toEqualTypeOf<'OrderPlaced' | 'OrderCancelled'>()
        expectTypeOf(event.data.order_id).toBeString()
        return event.data.order_id
      },
      on: {
        OrderPlaced: (state, event) => {
          expectTypeOf(event.data.quantity).toBeNumber()
          expectTypeOf(event.position).toBeBigInt()
          return { sold: state.sold + event.data.quantity }
        },
        OrderCancelled: () => undefined,
      },
    })
    expect(sales).toMatchObject({ version: 1, scope: 'tenant', types: ['OrderPlaced', 'OrderCancelled'], upcast: {} })
    const app = defineApp({ name: 'shop', commands: [], projections: [sales] })
    expect(app.projection('sales-per-product')?.name).toBe('sales-per-product')
    expect(app.projection('other')).toBeUndefined()
    const event = projectionEventOf(recorded({ data: { order_id: 'o', quantity: 2 } }), {})
    expect(app.projections[0]?.on['OrderPlaced']?.({ sold: 1 }, event)).toEqual({ sold: 3 })
  })

  test('types that are not among the events are refused by the compiler', () => {
    const spec: ProjectionSpec<Sales, OrderPlaced> = {
      name: 'x',
      initial: { sold: 0 },
      // @ts-expect-error OrderShipped is no event of this projection
      on: { OrderShipped: (state: Sales) => state },
    }
    expect(defineProjection(spec).types).toEqual(['OrderShipped'])
  })

  test('without types, data is any JSON, and the state that of `initial`', () => {
    const count = defineProjection({
      name: 'count',
      initial: 0,
      on: { Anything: (state: number, event) => state + Object.keys(event.data).length },
    })
    expect(count.key(projectionEventOf(recorded({}), {}))).toBe('all')
  })

  test('EventOf takes the events of what writes them', () => {
    const command = defineCommand({
      name: 'thing.make',
      route: { method: 'POST', path: '/things' },
      input: z.object({ size: z.int() }),
      handle: (input) => ({ type: 'ThingMade', data: { size: input.size } }) as const,
      respond: (event) => created(event.data),
    })
    const aggregate = defineAggregate<number, number, DomainEvent<'Added', { readonly n: number }>>({
      name: 'sum',
      initial: 0,
      evolve: (state, { data }) => state + data.n,
      decide: (n) => ({ type: 'Added', data: { n } }),
    })
    expectTypeOf<EventOf<typeof command>['type']>().toEqualTypeOf<'ThingMade'>()
    expectTypeOf<EventOf<typeof command>['data']['size']>().toEqualTypeOf<number>()
    expectTypeOf<EventOf<typeof aggregate>['type']>().toEqualTypeOf<'Added'>()
    expect([command.name, aggregate.name]).toEqual(['thing.make', 'sum'])
  })

  test('the initial document is frozen, so that one document cannot change all', () => {
    const spec = { name: 'lists', initial: { items: [] as string[] }, on: { X: (state: { items: string[] }) => state } }
    const { initial } = defineProjection(spec)
    expect(() => initial.items.push('x')).toThrow(TypeError)
  })

  test.each([
    [{ name: 'Sales' }, /a name looks like/],
    [{ name: 'a'.repeat(65) }, /a name looks like/],
    [{ version: 0 }, /whole number/],
    [{ version: 1.5 }, /whole number/],
    [{ on: {} }, /no event type/],
    [{ upcast: { X: { 0: (data: JsonObject) => data } } }, /whole number/],
  ])('refuses %o', (fault, message) => {
    const spec = { name: 'good', initial: 0, on: { X: (state: number) => state } }
    expect(() => defineProjection({ ...spec, ...(fault as object) })).toThrow(message)
  })

  test('two of one name are refused', () => {
    const one = defineProjection({ name: 'one', initial: 0, on: { X: (state: number) => state } })
    expect(() => defineApp({ name: 'app', commands: [], projections: [one, one] })).toThrow(/two projections/)
  })
})

describe('reading an event', () => {
  const upcast = {
    OrderPlaced: {
      1: (data: JsonObject) => ({ ...data, currency: 'EUR' }),
      2: (data: JsonObject) => ({ lines: [data] }),
    },
  }

  test('upcasts follow one another, and the version that was read stays visible', () => {
    const one = projectionEventOf(recorded({ data: { n: 1 } }), upcast)
    expect(one).toMatchObject({ version: 3, storedVersion: 1, data: { lines: [{ n: 1, currency: 'EUR' }] } })
    const two = projectionEventOf(recorded({ data: { n: 1 }, metadata: { version: 2 } }), upcast)
    expect(two).toMatchObject({ version: 3, storedVersion: 2, data: { lines: [{ n: 1 }] } })
    const three = projectionEventOf(recorded({ data: { n: 1 }, metadata: { version: 3 } }), upcast)
    expect(three).toMatchObject({ version: 3, storedVersion: 3, data: { n: 1 } })
    const other = projectionEventOf(recorded({ type: 'constructor', data: { n: 1 } }), upcast)
    expect(other).toMatchObject({ version: 1, storedVersion: 1, data: { n: 1 } })
  })

  test("an application's upcasts are those of its projections; a projection's own go before", () => {
    const mine = { OrderPlaced: { 1: (data: JsonObject) => ({ ...data, mine: true }) } }
    const on = { OrderPlaced: (state: number) => state }
    const app = defineApp({
      name: 'app',
      commands: [],
      upcast,
      projections: [
        defineProjection({ name: 'a', initial: 0, on }),
        defineProjection({ name: 'b', initial: 0, on, upcast: mine }),
      ],
    })
    expect(app.projection('a')?.upcast['OrderPlaced']).toBe(upcast.OrderPlaced)
    expect(app.projection('b')?.upcast['OrderPlaced']).toBe(mine.OrderPlaced)
  })

  test('the tenant stands in the metadata, or in the envelope; else there is none', () => {
    expect(projectionEventOf(recorded({ metadata: { tenant: 'acme' } }), {}).tenant).toBe('acme')
    expect(projectionEventOf(recorded({ metadata: { envelope: { tenant: 'acme' } } }), {}).tenant).toBe('acme')
    expect(projectionEventOf(recorded({ metadata: { tenant: 'not a tenant!' } }), {}).tenant).toBeUndefined()
    expect(projectionEventOf(recorded({ metadata: {} }), {}).tenant).toBeUndefined()
  })
})
