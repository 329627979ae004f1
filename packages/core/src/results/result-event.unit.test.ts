import { resultEventSchema } from '@holdfast/contracts'
import { describe, expect, test } from 'vitest'
import { commandIdOf, streamOf, type IdempotencyKey, type Tenant } from '../brands.ts'
import type { RecordedEvent } from '../ports/event-store.ts'
import { isResult, outcomeResult, resultEventOf } from './result-event.ts'

const tenant = 'acme' as Tenant
const key = 'agent-7-order-1' as IdempotencyKey
const commandId = commandIdOf(tenant, key)
const origin = { command: 'order.place', tenant, key }
const envelope = { ...origin, requestId: 'r', receivedAtMs: 1_000, seed: 1, input: {} }
const response = { status: 201, headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
const outcome = { kind: 'succeeded', response, completedAtMs: 2_000, expiresAtMs: 3_000, attempts: 1 } as const

const recorded = (metadata: object, stream: string = streamOf(commandId)): RecordedEvent => ({
  id: '0',
  type: 'OrderPlaced',
  data: {},
  metadata: { v: 1, generation: 2, fingerprint: 'f', attemptId: 'a', ...metadata },
  stream,
  revision: 4n,
  position: 9n,
  recordedAtMs: 2_500,
})

describe('the result of a recorded event', () => {
  test('is a CloudEvent that the schema takes, with the recorded response', () => {
    const result = resultEventOf(recorded({ envelope, outcome }))
    expect(resultEventSchema.parse(result)).toEqual(result)
    expect(result).toEqual({
      specversion: '1.0',
      id: `${commandId}-2`,
      source: '/commands',
      type: 'holdfast.command.succeeded',
      subject: commandId,
      time: '1970-01-01T00:00:02.000Z',
      datacontenttype: 'application/json',
      command: 'order.place',
      tenant: 'acme',
      data: {
        command_id: commandId,
        command: 'order.place',
        idempotency_key: key,
        generation: 2,
        outcome: 'succeeded',
        completed_at: '1970-01-01T00:00:02.000Z',
        expires_at: '1970-01-01T00:00:03.000Z',
        response,
      },
    })
  })

  test('is the same whether the envelope stands on the event or further back, and for whoever has just decided it', () => {
    const result = resultEventOf(recorded({ envelope, outcome }))
    expect(resultEventOf(recorded({ outcome }), envelope)).toEqual(result)
    expect(outcomeResult({ commandId, generation: 2, origin }, outcome)).toEqual(result)
  })

  test('of a release tells who, when and why, under an id of its own', () => {
    const release = { reason: 'by mistake', by: 'olga', releasedAtMs: 4_000 }
    const result = resultEventOf(recorded({ release }), origin)
    expect(resultEventSchema.parse(result)).toEqual(result)
    expect(result).toMatchObject({
      id: `${commandId}-2-released`,
      type: 'holdfast.command.released',
      time: '1970-01-01T00:00:04.000Z',
    })
    expect(result?.data).toEqual({
      command_id: commandId,
      command: 'order.place',
      idempotency_key: key,
      generation: 2,
      outcome: 'released',
      released: { at: '1970-01-01T00:00:04.000Z', by: 'olga', reason: 'by mistake' },
    })
  })

  test('is not there for what neither ends a generation nor releases a key', () => {
    expect(isResult(recorded({ envelope }))).toBe(false)
    expect(resultEventOf(recorded({ envelope }))).toBeUndefined()
    expect(resultEventOf(recorded({}))).toBeUndefined()
  })

  test.each([
    ['without its envelope', recorded({ outcome })],
    ['on another stream', recorded({ outcome, envelope }, 'inventory-abc')],
    ['without metadata of version 1', { ...recorded({}), metadata: { outcome: 1 } }],
  ])('%s: corrupt', (_what, event) => {
    expect(() => resultEventOf(event)).toThrow(expect.objectContaining({ code: 'corrupt' }))
  })
})
