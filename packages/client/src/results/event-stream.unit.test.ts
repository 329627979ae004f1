import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readEvents, type StreamItem } from './event-stream.ts'

const text =
  'retry: 1000\n\nid: 7\nevent: succeeded\ndata: {"a":"ö"}\n\n: heartbeat\n\n: heartbeat\nid: 9\n\ndata: x\ndata: y\n\nid: 10\ndata: z\n\n'
const expected: StreamItem[] = [
  { kind: 'retry', retryMs: 1_000 },
  { kind: 'event', id: '7', data: '{"a":"ö"}' },
  { kind: 'id', id: '9' },
  { kind: 'event', id: undefined, data: 'x\ny' },
  { kind: 'event', id: '10', data: 'z' },
]

const bodyOf = (chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })

async function collect(stream: AsyncIterable<StreamItem>): Promise<StreamItem[]> {
  const items: StreamItem[] = []
  for await (const item of stream) items.push(item)
  return items
}

describe('server-sent events', () => {
  test('in whatever pieces they come, an event that broke off left out', async () => {
    const bytes = new TextEncoder().encode(`${text}id: 11\ndata: cut o`)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 10 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length]
        const chunks = places.slice(1).map((end, at) => bytes.slice(places[at], end))
        expect(await collect(readEvents(bodyOf(chunks), { idleTimeoutMs: 60_000 }))).toEqual(expected)
      }),
    )
  })

  test('silence is an error, and an abort its reason', async () => {
    const silent = (): ReadableStream<Uint8Array> => new ReadableStream()
    await expect(collect(readEvents(silent(), { idleTimeoutMs: 1 }))).rejects.toThrow('nothing came for 1 ms')
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(collect(readEvents(silent(), { idleTimeoutMs: 60_000, signal }))).rejects.toThrow('enough')
  })
})
