import { eventDigest, type RecordedEvent } from '@holdfast/core'
import { expect, test } from 'vitest'
import { storedOf } from '../history.ts'
import { eventLeaf } from './event-leaf.ts'

test.each([
  { data: {}, metadata: {} },
  { data: { text: 'Grüße, 世界 \u{1f600}', list: [1, -0, 1e21, null] }, metadata: { v: 1, b: 2, a: '\ud800' } },
  { data: { 2: 'b', 1: 'a', filler: 'x'.repeat(100_000) }, metadata: { __proto__: null, n: 0.1 } },
])('what a removal says of an event is its leaf', (content) => {
  const event: RecordedEvent = {
    stream: `command-${'e'.repeat(64)}`,
    revision: 3n,
    position: 9_007_199_254_740_993n,
    recordedAtMs: 1_700_000_000_123,
    id: '4dbbc580-8969-46fc-a357-b7629432e0f1',
    type: 'Größe',
    ...(JSON.parse(JSON.stringify(content)) as Pick<RecordedEvent, 'data' | 'metadata'>),
  }
  expect(eventDigest(event)).toBe(Buffer.from(eventLeaf(storedOf(event))).toString('hex'))
})
