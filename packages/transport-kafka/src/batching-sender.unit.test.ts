import type { ProducerBatch, RecordMetadata } from 'kafkajs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createBatchingSender } from './batching-sender.ts'
import type { BatchProducer, OutgoingMessage } from './batching-sender.ts'
import { silentLogger } from './logger.ts'

type Answer = (batch: ProducerBatch) => Promise<RecordMetadata[]>

const acknowledge: Answer = ({ topicMessages = [] }) => {
  const partitions = new Set(
    topicMessages.flatMap(({ topic, messages }) => messages.map(({ partition = 0 }) => `${topic}/${partition}`)),
  )
  return Promise.resolve(
    [...partitions].map((name) => {
      const [topicName = '', partition] = name.split('/')
      return { topicName, partition: Number(partition), errorCode: 0 }
    }),
  )
}

/** A broker's answers, one script for all producers; the last answer serves all further sends. */
function scripted(...answers: readonly [Answer, ...Answer[]]) {
  const sent: string[][] = []
  let connections = 0
  let concurrent = 0
  let mostConcurrent = 0
  const sender = createBatchingSender({
    connect: () => {
      connections++
      const producer: BatchProducer = {
        sendBatch: async (batch) => {
          concurrent++
          mostConcurrent = Math.max(mostConcurrent, concurrent)
          const answer = answers[Math.min(sent.length, answers.length - 1)] ?? acknowledge
          sent.push((batch.topicMessages ?? []).flatMap(({ messages }) => messages.map(({ value }) => String(value))))
          try {
            return await answer(batch)
          } finally {
            concurrent--
          }
        },
        disconnect: () => Promise.resolve(),
      }
      return Promise.resolve(producer)
    },
    abandon: () => undefined,
    logger: silentLogger,
    metrics: {},
  })
  return { sender, sent, connections: () => connections, mostConcurrent: () => mostConcurrent }
}

const message = (value: string, partition = 0, topic = 'topic'): OutgoingMessage => ({
  topic,
  partition,
  key: null,
  value: Buffer.from(value),
  headers: {},
})

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const failure = (type: string) => Object.assign(new Error(type), { type })

describe('batching', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('all that waits in one turn of the event loop goes in one send, over all topics', async () => {
    const { sender, sent } = scripted(acknowledge)
    const sendings = [sender.send(message('a')), sender.send(message('b', 1)), sender.send(message('c', 0, 'other'))]
    await Promise.all(sendings.map(({ acknowledged }) => acknowledged))
    expect(sent).toEqual([['a', 'b', 'c']])
  })

  test('waits for more where ten came together a moment ago, and not where they come one by one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const { sender, sent } = scripted(acknowledge)
    const all = (...values: string[]) => Promise.all(values.map((value) => sender.send(message(value)).acknowledged))
    const nine = [...'abcdefghi']
    await all('1')
    await all(...nine)
    await all(...nine, 'j')
    const next = all('k')
    await turns(20)
    expect(sent.length).toBe(3)
    const meanwhile = all('l')
    await vi.advanceTimersByTimeAsync(2)
    await Promise.all([next, meanwhile])
    await all('m')
    expect(sent).toEqual([['1'], nine, [...nine, 'j'], ['k', 'l'], ['m']])
  })

  test('the first message after a lull does not wait', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const { sender, sent } = scripted(acknowledge)
    const all = (...values: string[]) => Promise.all(values.map((value) => sender.send(message(value)).acknowledged))
    await all(...'abcdefghij')
    await vi.advanceTimersByTimeAsync(100)
    await all('k')
    expect(sent).toEqual([[...'abcdefghij'], ['k']])
  })

  test('does not wait between sends that are full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const { sender, sent } = scripted(acknowledge)
    const large = 'x'.repeat(500_000)
    const all = Array.from({ length: 12 }, () => sender.send(message(large)).acknowledged)
    await Promise.all(all)
    expect(sent.map((values) => values.length)).toEqual(all.map(() => 1))
  })

  test('never two sends at a time; what comes meanwhile goes with the next, in order', async () => {
    const gate = Promise.withResolvers<void>()
    const { sender, sent, mostConcurrent } = scripted(async (batch) => {
      await gate.promise
      return acknowledge(batch)
    }, acknowledge)
    const first = sender.send(message('1'))
    await expect.poll(() => sent.length).toBe(1)
    const rest = ['2', '3', '4'].map((value) => sender.send(message(value)))
    gate.resolve()
    await Promise.all([first, ...rest].map(({ acknowledged }) => acknowledged))
    expect(sent).toEqual([['1'], ['2', '3', '4']])
    expect(mostConcurrent()).toBe(1)
  })

  test('a partition takes no more bytes in one send than a record batch may have, and keeps its order', async () => {
    const { sender, sent } = scripted(acknowledge)
    const large = 'x'.repeat(500_000)
    const values = [`1${large}`, `2${large}`, '3']
    const sendings = [...values.map((value) => sender.send(message(value))), sender.send(message('elsewhere', 1))]
    await Promise.all(sendings.map(({ acknowledged }) => acknowledged))
    expect(sent.map((batch) => batch.map((value) => value.slice(0, 1)))).toEqual([
      ['1', 'e'],
      ['2', '3'],
    ])
  })
})

describe('what goes wrong', () => {
  test('a producer that gives up is replaced, and its batch is sent again as it was', async () => {
    const { sender, sent, connections } = scripted(() => Promise.reject(failure('OUT_OF_ORDER_SEQUENCE')), acknowledge)
    await Promise.all([sender.send(message('a')).acknowledged, sender.send(message('b')).acknowledged])
    expect(sent).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
    expect(connections()).toBe(2)
  })

  test('a partition that the answer leaves out was not written: it is sent again', async () => {
    const { sender, sent } = scripted(
      async (batch) => (await acknowledge(batch)).filter(({ partition }) => partition !== 1),
      acknowledge,
    )
    await Promise.all([sender.send(message('a', 0)).acknowledged, sender.send(message('b', 1)).acknowledged])
    expect(sent).toEqual([['a', 'b'], ['b']])
  })

  test('a message that the broker refuses for good fails alone', async () => {
    const refuseBig: Answer = (batch) => {
      const values = (batch.topicMessages ?? []).flatMap(({ messages }) => messages.map(({ value }) => String(value)))
      return values.includes('big') ? Promise.reject(failure('MESSAGE_TOO_LARGE')) : acknowledge(batch)
    }
    const { sender } = scripted(refuseBig)
    const small = [sender.send(message('a')), sender.send(message('b'))]
    const big = sender.send(message('big'))
    await expect(big.acknowledged).rejects.toMatchObject({ kind: 'refused' })
    await Promise.all(small.map(({ acknowledged }) => acknowledged))
  })

  test('a message that was abandoned before it left is not sent', async () => {
    const gate = Promise.withResolvers<void>()
    const { sender, sent } = scripted(async (batch) => {
      await gate.promise
      return acknowledge(batch)
    }, acknowledge)
    const first = sender.send(message('first'))
    await expect.poll(() => sent.length).toBe(1)
    sender.send(message('abandoned')).abandon()
    const last = sender.send(message('last'))
    gate.resolve()
    await Promise.all([first.acknowledged, last.acknowledged])
    expect(sent).toEqual([['first'], ['last']])
  })
})

describe('closing', () => {
  test('what waits is sent, what comes later is refused', async () => {
    const { sender, sent } = scripted(acknowledge)
    const before = sender.send(message('before'))
    const closed = sender.close(5000)
    const after = sender.send(message('after'))
    await before.acknowledged
    await expect(after.acknowledged).rejects.toMatchObject({ kind: 'closed' })
    await closed
    expect(sent).toEqual([['before']])
  })

  test('what is not acknowledged in time is given up', async () => {
    const rejects: ((error: Error) => void)[] = []
    const { sender } = scripted(
      () =>
        new Promise<RecordMetadata[]>((_resolve, reject) => {
          rejects.push(reject)
        }),
    )
    const stuck = sender.send(message('stuck'))
    const waiting = expect.poll(() => sender.waiting()).toBe(1)
    await waiting
    await expect.poll(() => rejects.length).toBe(1)
    const behind = sender.send(message('behind'))
    expect(sender.busyMs()).toBeGreaterThan(0)
    await sender.close(20)
    await expect(behind.acknowledged).rejects.toMatchObject({ kind: 'closed' })
    // The retries inside KafkaJS end when the client is abandoned.
    for (const reject of rejects) reject(new Error('abandoned'))
    await expect(stuck.acknowledged).rejects.toMatchObject({ kind: 'closed' })
  })
})
