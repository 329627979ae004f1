import { expect, test } from 'vitest'
import { decodeCommand, decodeReply, encodeCommand, encodeReply } from './messages.ts'
import type { Reply } from './messages.ts'
import { attempt, outcomeOf } from './test-support/commands.ts'

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))

test('a command is read as it was written', () => {
  const plain = attempt('key-1', { nested: [1, { deep: 'ünïcode \u2028' }], n: 0.1 })
  const traced = { ...plain, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
  for (const envelope of [plain, traced]) {
    expect(decodeCommand(encodeCommand(envelope))).toEqual({ kind: 'read', value: envelope })
  }
})

test.each<Reply>([
  { v: 1, kind: 'resolution', attemptId: 'a', attempts: 2, resolution: outcomeOf(attempt('key-1'), 'failed') },
  { v: 1, kind: 'resolution', attemptId: 'a', attempts: 1, resolution: { kind: 'reused' } },
  { v: 1, kind: 'progress', attemptId: 'a', attempts: 3 },
  { v: 1, kind: 'look-up', attemptId: 'a', attempts: 1 },
])('a reply is read as it was written: $kind', (reply) => {
  expect(decodeReply(encodeReply(reply))).toEqual({ kind: 'read', value: reply })
})

test.each([
  ['no value', null, 'empty'],
  ['an empty value', Buffer.alloc(0), 'not-json'],
  ['half a message', Buffer.from('{"v":1,'), 'not-json'],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]), 'not-json'],
  ['a list', bytes([]), 'unknown-version'],
  ['no version', bytes({ ...attempt(), v: undefined }), 'unknown-version'],
  ['a later version', bytes({ ...attempt(), v: 2 }), 'unknown-version'],
  ['no tenant', bytes({ ...attempt(), tenant: undefined }), 'schema'],
  ['a tenant that is none', bytes({ ...attempt(), tenant: 'two words' }), 'schema'],
  ['a fingerprint that is none', bytes({ ...attempt(), fingerprint: 'abc' }), 'schema'],
  ['a seed out of range', bytes({ ...attempt(), seed: 2 ** 32 }), 'schema'],
  ['input that is a list', bytes({ ...attempt(), input: [] }), 'schema'],
])('%s is not a command, and the reason says why', (_name, value, reason) => {
  expect(decodeCommand(value)).toMatchObject({ kind: 'unreadable', reason })
})

test('members that a later writer adds are passed over', () => {
  const envelope = attempt()
  expect(decodeCommand(bytes({ ...envelope, colour: 'blue' }))).toEqual({ kind: 'read', value: envelope })
})

test('a schema failure names the member', () => {
  const decoded = decodeCommand(bytes({ ...attempt(), receivedAtMs: 'noon' }))
  expect(decoded).toMatchObject({ detail: expect.stringContaining('receivedAtMs') as string })
})
