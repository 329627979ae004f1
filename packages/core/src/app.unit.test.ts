import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineApp, isApp } from './app.ts'
import { defineCommand, type Command, type Route } from './command/define-command.ts'
import { created } from './command/response.ts'
import type { RefusalEntry } from './command/refusal.ts'

const entry = (status: number): RefusalEntry => ({
  status,
  title: 'No',
  meaning: 'It is not so.',
  action: 'Ask again.',
})

const command = (name: string, route: Route, refusals: Readonly<Record<string, RefusalEntry>> = {}): Command =>
  defineCommand({
    name,
    route,
    input: z.object({}),
    refusals,
    handle: () => ({ type: 'Done', data: {} }),
    respond: (event) => created(event.data),
  })
const post = (path: string): Route => ({ method: 'POST', path })

describe('defineApp', () => {
  test('finds its commands by name, and only by name', () => {
    const [place, cancel] = [command('order.place', post('/orders')), command('order.cancel', post('/cancel'))]
    const app = defineApp({ name: 'shop', commands: [place, cancel] })
    expect(app.command('order.place')).toBe(place)
    expect(app.command('order.cancel')).toBe(cancel)
    expect(app.command('order')).toBeUndefined()
    expect(app.command('constructor')).toBeUndefined()
    expect(app.commands).toEqual([place, cancel])
  })

  test('collects the refusals of all commands; two may share one', () => {
    const app = defineApp({
      name: 'shop',
      commands: [
        command('order.place', post('/orders'), { 'out-of-stock': entry(409) }),
        command('order.change', post('/change'), { 'out-of-stock': entry(409), locked: entry(423) }),
      ],
    })
    expect([...app.refusals.keys()]).toEqual(['out-of-stock', 'locked'])
    expect(app.refusals.get('locked')?.status).toBe(423)
  })

  test.each([
    { case: 'one name twice', commands: [command('a', post('/a')), command('a', post('/b'))], says: /named "a"/ },
    { case: 'one route twice', commands: [command('a', post('/x')), command('b', post('/x'))], says: /POST \/x/ },
    {
      case: 'one route twice, parameters named otherwise',
      commands: [command('a', post('/x/{id}')), command('b', post('/x/{order_id}'))],
      says: /POST \/x\/\{\}/,
    },
    {
      case: 'a refusal that means two things',
      commands: [command('a', post('/a'), { no: entry(409) }), command('b', post('/b'), { no: entry(402) })],
      says: /"no" of "b" already means something else/,
    },
    {
      case: "a refusal under one of Holdfast's own codes",
      commands: [command('a', post('/a'), { unavailable: entry(409) })],
      says: /"unavailable" of "a"/,
    },
  ])('refuses $case', ({ commands, says }) => {
    expect(() => defineApp({ name: 'shop', commands })).toThrow(says)
    expect(() => defineApp({ name: 'shop', commands })).toThrow(TypeError)
  })

  test('one path with two methods is two routes', () => {
    const app = defineApp({
      name: 'shop',
      commands: [command('a', { method: 'PUT', path: '/x/{id}' }), command('b', { method: 'DELETE', path: '/x/{id}' })],
    })
    expect(app.commands).toHaveLength(2)
  })
})

describe('isApp', () => {
  test.each([undefined, null, 'app', 1, {}, { commands: [] }, { default: {} }])('%j is none', (value) => {
    expect(isApp(value)).toBe(false)
  })

  test('what defineApp returns is one', () => {
    expect(isApp(defineApp({ name: 'empty', commands: [] }))).toBe(true)
  })
})
