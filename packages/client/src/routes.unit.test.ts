import { describe, expect, test } from 'vitest'
import { routesOf, targetOf } from './routes.ts'

const routes = { 'order.place': 'POST /api/order', 'order.put': 'PUT /api/orders/{order_id}' }

describe('what is sent for a command', () => {
  test('by name or by route: the input is the body', () => {
    const expected = { method: 'POST', path: '/api/order', body: '{"quantity":2}' }
    expect(targetOf('order.place', { quantity: 2 }, routes)).toEqual(expected)
    expect(targetOf('POST /api/order', { quantity: 2 }, {})).toEqual(expected)
  })

  test('parameters of the path are taken out of the body, and encoded', () => {
    expect(targetOf('order.put', { order_id: 'a/b c', quantity: 2 }, routes)).toEqual({
      method: 'PUT',
      path: '/api/orders/a%2Fb%20c',
      body: '{"quantity":2}',
    })
    expect(targetOf('DELETE /a/{x}/b/{y}', { x: 1, y: '…' }, {})).toEqual({
      method: 'DELETE',
      path: '/a/1/b/%E2%80%A6',
      body: undefined,
    })
    expect(targetOf('POST /nothing', {}, {}).body, 'without parameters there is a body').toBe('{}')
  })

  test.each([
    ['order.gone', {}],
    ['toString', {}],
    ['post /api/order', {}],
    ['order.put', { quantity: 2 }],
    ['order.put', { order_id: null }],
    ['order.put', { order_id: '' }],
    ['order.put', { order_id: '.' }],
    ['order.put', { order_id: '..' }],
  ])('%s with %j cannot be meant', (ref, input) => {
    expect(() => targetOf(ref, input, routes)).toThrow(TypeError)
  })

  test('routes are made from an application', () => {
    const command = { input: { '~standard': {} }, refusals: {}, respond: () => ({}) }
    const commands = [
      { ...command, name: 'order.place', route: { method: 'POST', path: '/api/order' } },
      { ...command, name: 'order.put', route: { method: 'PUT', path: '/api/orders/{order_id}' } },
    ]
    expect(routesOf({ commands })).toEqual(routes)
  })
})
