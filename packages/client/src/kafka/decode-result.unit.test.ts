import type { ResultEvent } from '@holdfast/contracts'
import { describe, expect, test } from 'vitest'
import { decodeResult } from './decode-result.ts'

const event: ResultEvent = {
  specversion: '1.0',
  id: 'c-1',
  source: '/commands',
  type: 'holdfast.command.succeeded',
  subject: 'c',
  time: '2026-11-24T08:00:00.000Z',
  datacontenttype: 'application/json',
  command: 'order.place',
  tenant: 'default',
  data: { command_id: 'c', command: 'order.place', idempotency_key: 'ö', generation: 1, outcome: 'succeeded' },
}

const messageOf = ({ data, datacontenttype, ...attributes }: ResultEvent) => ({
  headers: {
    'content-type': Buffer.from(datacontenttype),
    ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, Buffer.from(value)])),
  },
  value: Buffer.from(JSON.stringify(data)),
})

describe('a result in binary mode', () => {
  test('is the same CloudEvent', () => {
    expect(decodeResult(messageOf(event))).toEqual(event)
  })

  test.each([
    ['nothing', { value: null }],
    ['no attributes', { ...messageOf(event), headers: {} }],
    ['no JSON', { ...messageOf(event), value: Buffer.from('{') }],
    ['another type', messageOf({ ...event, type: 'other' as ResultEvent['type'] })],
  ])('%s is no result', (_what, message) => {
    expect(() => decodeResult(message)).toThrow()
  })
})
