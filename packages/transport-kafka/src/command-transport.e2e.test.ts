import { TransportError } from '@holdfast/core'
import { describeWithKafka, freePorts } from '@holdfast/testing/kafka'
import { expect, test } from 'vitest'
import { createKafkaCommandConsumer } from './command-consumer.ts'
import { createKafkaCommandTransport } from './command-transport.ts'
import { KafkaSetupError } from './topics.ts'
import { attempt, outcomeOf } from './test-support/commands.ts'
import { readTopic } from './test-support/cluster.ts'
import { startPair } from './test-support/pair.ts'

describeWithKafka('the gateway', (kafka) => {
  test('a reply that is lost costs latency, never an answer: the key is looked up', async () => {
    const resolvedBy: string[] = []
    await using pair = await startPair({
      brokers: kafka().brokers,
      // Decided, and then nothing more is heard of this handler.
      process: (envelope) => {
        pair.outcomes.decide(envelope)
        return new Promise(() => undefined)
      },
      transport: {
        lookupBackoff: { minMs: 20, maxMs: 50 },
        metrics: { resolved: ({ by }) => resolvedBy.push(by) },
      },
    })
    const envelope = attempt()
    const dispatch = pair.transport.dispatch(envelope)
    expect(await dispatch.resolution).toEqual(outcomeOf(envelope))
    await dispatch.durable()
    expect(resolvedBy).toEqual(['look-up'])
  })

  test('a reply that does not fit into a message says so, and the key is looked up', async () => {
    const body = 'x'.repeat(3 * 1024 * 1024)
    await using pair = await startPair({
      brokers: kafka().brokers,
      process: (envelope) => {
        const resolution = outcomeOf(envelope)
        if (resolution.kind !== 'outcome') throw new Error('an outcome')
        return Promise.resolve({ resolution: { ...resolution, response: { ...resolution.response, body } } })
      },
      transport: {
        lookup: (envelope) => Promise.resolve(outcomeOf(envelope)),
        lookupBackoff: { minMs: 3_600_000, maxMs: 3_600_000 },
      },
    })
    const envelope = attempt()
    expect(await pair.transport.dispatch(envelope).resolution).toEqual(outcomeOf(envelope))
  })

  test('replies go to the gateway that waits, also where two share a partition', async () => {
    await using pair = await startPair({ brokers: kafka().brokers, partitions: { replies: 1 } })
    const other = createKafkaCommandTransport({
      brokers: kafka().brokers,
      topicPrefix: pair.topicPrefix,
      instanceId: 'gateway-2',
      lookup: () => Promise.resolve(undefined),
    })
    await other.started
    const envelopes = Array.from({ length: 100 }, () => attempt())
    const resolutions = await Promise.all(
      envelopes.map((envelope, index) => (index % 2 === 0 ? pair.transport : other).dispatch(envelope).resolution),
    )
    expect(resolutions).toEqual(envelopes.map((envelope) => outcomeOf(envelope)))
    await other.close()
  })

  test('a command that was published before the first handler came is handled', async () => {
    const topicPrefix = `early-${crypto.randomUUID()}`
    const options = { brokers: kafka().brokers, topicPrefix, partitions: { commands: 2, replies: 1, results: 1 } }
    const transport = createKafkaCommandTransport({
      ...options,
      instanceId: 'gateway-1',
      lookup: () => Promise.resolve(undefined),
    })
    await transport.started
    const envelope = attempt()
    const dispatch = transport.dispatch(envelope)
    await dispatch.durable()
    const consumer = createKafkaCommandConsumer({
      ...options,
      process: (received) => Promise.resolve({ resolution: outcomeOf(received) }),
    })
    expect(await dispatch.resolution).toEqual(outcomeOf(envelope))
    await transport.close()
    await consumer.close()
  })

  test('trace context and the way back travel in the headers', async () => {
    await using pair = await startPair({ brokers: kafka().brokers })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await pair.transport.dispatch({ ...attempt(), traceparent }).resolution
    const [stored] = await readTopic(kafka().brokers, `${pair.topicPrefix}.commands`)
    expect(stored?.headers?.['traceparent']?.toString()).toBe(traceparent)
    expect(stored?.headers?.['reply-instance']?.toString()).toBe('gateway-1')
    expect(Number(stored?.headers?.['reply-partition']?.toString())).toBeLessThan(2)
  })

  test('a command larger than a message may be is refused, and nothing is published', async () => {
    await using pair = await startPair({ brokers: kafka().brokers })
    const dispatch = pair.transport.dispatch(attempt(undefined, { text: 'x'.repeat(2 * 1024 * 1024) }))
    expect(await dispatch.resolution).toEqual({ kind: 'too-large' })
    await expect(dispatch.durable()).rejects.toBeInstanceOf(TransportError)
    expect(await readTopic(kafka().brokers, `${pair.topicPrefix}.commands`)).toEqual([])
  })

  test('a body of 1 MiB fits', async () => {
    await using pair = await startPair({ brokers: kafka().brokers })
    const envelope = attempt(undefined, { text: 'x'.repeat(1024 * 1024) })
    expect(await pair.transport.dispatch(envelope).resolution).toEqual(outcomeOf(envelope))
  })

  test('a setting that a person has to put right stops the start', async () => {
    const transport = createKafkaCommandTransport({
      brokers: kafka().brokers,
      topicPrefix: `setup-${crypto.randomUUID()}`,
      partitions: { replies: 2 },
      instanceId: 'gateway-1',
      replyPartition: 2,
      lookup: () => Promise.resolve(undefined),
    })
    await expect(transport.started).rejects.toBeInstanceOf(KafkaSetupError)
    expect(transport.ready()).toBe(false)
    await transport.close()
  })

  test('an idle connection runs no timer of KafkaJS at full speed, and Node has nothing to warn of', async () => {
    const warnings: string[] = []
    const onWarning = ({ name }: Error) => warnings.push(name)
    process.on('warning', onWarning)
    await using pair = await startPair({ brokers: kafka().brokers })
    await pair.transport.dispatch(attempt()).resolution
    process.removeListener('warning', onWarning)
    expect(warnings).not.toContain('TimeoutNegativeWarning')
  })
})

test('without brokers commands are refused, and closing ends all tries', async () => {
  const [port = 0] = await freePorts(1)
  const brokers = [`127.0.0.1:${port}`]
  const transport = createKafkaCommandTransport({
    brokers,
    instanceId: 'gateway-1',
    lookup: () => Promise.reject(new Error()),
  })
  const consumer = createKafkaCommandConsumer({ brokers, process: () => Promise.reject(new Error('never called')) })
  expect(transport.ready()).toBe(false)
  expect(consumer.ready()).toBe(false)
  const dispatch = transport.dispatch(attempt())
  await expect(dispatch.resolution).rejects.toBeInstanceOf(TransportError)
  await expect(dispatch.durable()).rejects.toBeInstanceOf(TransportError)
  await Promise.all([transport.close(), consumer.close()])
  await expect(transport.started).rejects.toBeInstanceOf(TransportError)
  await expect(consumer.started).rejects.toThrow('closed before it started')
})
