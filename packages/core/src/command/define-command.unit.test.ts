import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineCommand, type Command, type CommandSpec, type DomainEvent } from './define-command.ts'
import { created } from './response.ts'
import type { RefusalEntry } from './refusal.ts'

type Spec = CommandSpec<string, z.ZodType<object>, DomainEvent, Readonly<Record<string, RefusalEntry>>>

const define = (overrides: Partial<Spec> = {}): Command<string, z.ZodType<object>, DomainEvent> =>
  defineCommand({
    name: 'order.place',
    route: { method: 'POST', path: '/orders' },
    input: z.object({}),
    handle: () => ({ type: 'OrderPlaced', data: {} }),
    respond: (event) => created(event.data),
    ...overrides,
  })
const entry = (status: number): RefusalEntry => ({ status, title: 'No', meaning: 'So.', action: 'Wait.' })

describe('defineCommand', () => {
  test('resolves the defaults, once', () => {
    expect(define()).toMatchObject({
      identity: 'key',
      supersedes: false,
      concurrent: 'attach',
      expired: 'execute',
      retentionMs: 86_400_000,
      retry: { attempts: 5, initialDelayMs: 100, maxDelayMs: 10_000, timeoutMs: 30_000 },
      refusals: {},
      successStatus: 201,
      params: [],
    })
    expect(define({ route: { method: 'PUT', path: '/a' } }).successStatus).toBe(200)
  })

  test('keeps what is given, and completes a partial retry policy', () => {
    const given = {
      identity: 'uri',
      supersedes: true,
      concurrent: 'conflict',
      expired: 'gone',
      retentionMs: 0,
      successStatus: 202,
    } as const
    expect(define({ ...given, retry: { attempts: 1 } })).toMatchObject({
      ...given,
      retry: { attempts: 1, initialDelayMs: 100, maxDelayMs: 10_000, timeoutMs: 30_000 },
    })
  })

  test('names the parameters of the path', () => {
    expect(define({ route: { method: 'PUT', path: '/a/{x}/b/{order_id}' } }).params).toEqual(['x', 'order_id'])
  })

  test.each<{ case: string; spec: Partial<Spec>; says: RegExp }>([
    { case: 'an empty name', spec: { name: '' }, says: /a name looks like/ },
    {
      case: 'a name with a newline, which the fingerprint needs as a separator',
      spec: { name: 'a\nb' },
      says: /looks/,
    },
    { case: 'a name in capitals', spec: { name: 'Order.Place' }, says: /looks like/ },
    { case: 'a relative path', spec: { route: { method: 'POST', path: 'orders' } }, says: /start with "\/"/ },
    { case: 'supersedes without identity uri', spec: { supersedes: true }, says: /identity: "uri"/ },
    { case: 'no attempts', spec: { retry: { attempts: 0 } }, says: /retry.attempts/ },
    { case: 'half an attempt', spec: { retry: { attempts: 1.5 } }, says: /retry.attempts/ },
    { case: 'endless attempts', spec: { retry: { attempts: Number.POSITIVE_INFINITY } }, says: /retry.attempts/ },
    { case: 'a negative delay', spec: { retry: { initialDelayMs: -1 } }, says: /retry.initialDelayMs/ },
    { case: 'an endless delay', spec: { retry: { maxDelayMs: Number.POSITIVE_INFINITY } }, says: /retry.maxDelayMs/ },
    // A timer of 2^31 ms or more fires at once: every try would be over before it began.
    { case: 'an endless time-out', spec: { retry: { timeoutMs: Number.POSITIVE_INFINITY } }, says: /retry.timeoutMs/ },
    { case: 'a time-out beyond timers', spec: { retry: { timeoutMs: 2 ** 31 } }, says: /retry.timeoutMs/ },
    { case: 'no time at all', spec: { retry: { timeoutMs: Number.NaN } }, says: /retry.timeoutMs/ },
    { case: 'a negative retention', spec: { retentionMs: -1 }, says: /retentionMs/ },
    { case: 'a retention that is no number', spec: { retentionMs: Number.NaN }, says: /retentionMs/ },
    // JSON makes null of it, and the key would expire at once.
    { case: 'an endless retention', spec: { retentionMs: Number.POSITIVE_INFINITY }, says: /retentionMs/ },
    { case: 'a retention past the calendar', spec: { retentionMs: Number.MAX_SAFE_INTEGER }, says: /retentionMs/ },
    { case: 'a refusal code in capitals', spec: { refusals: { OutOfStock: entry(409) } }, says: /kebab-case/ },
    { case: 'a refusal that succeeds', spec: { refusals: { no: entry(200) } }, says: /4xx/ },
    { case: 'a refusal that is a fault', spec: { refusals: { no: entry(500) } }, says: /4xx/ },
  ])('refuses $case', ({ spec, says }) => {
    expect(() => define(spec)).toThrow(TypeError)
    expect(() => define(spec)).toThrow(says)
    expect(() => define(spec)).toThrow(/^command "/)
  })

  test('a retention of a hundred years is possible: the key is replayed for ever', () => {
    const command = define({ retentionMs: 100 * 365 * 86_400_000 })
    expect(new Date(Date.now() + command.retentionMs).toISOString()).toMatch(/^2\d{3}-/)
  })
})
