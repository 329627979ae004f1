import { describeWithKafka } from '@holdfast/testing/kafka'
import { commandIdOf, streamOf } from '@holdfast/core'
import { expect, test } from 'vitest'
import { createClient } from './client.ts'
import { silentLogger } from './logger.ts'
import { encodeCommand } from './messages.ts'
import { attempt, outcomeOf, resultOf } from './test-support/commands.ts'
import { asAdmin, committedOffsets, readTopic } from './test-support/cluster.ts'
import { startPair } from './test-support/pair.ts'

const bounded = { timeout: 30_000 }

describeWithKafka('the handler', (kafka) => {
  /** Puts bytes into a topic, as anybody could. */
  const put = async (topic: string, values: readonly (Buffer | null)[]) => {
    const producer = createClient({ brokers: kafka().brokers, logger: silentLogger }).kafka.producer({
      createPartitioner: () => () => 0,
    })
    await producer.connect()
    await producer.send({ topic, messages: values.map((value, index) => ({ key: `k${index}`, value })) })
    await producer.disconnect()
  }

  test('a message that cannot be read goes to the dead letters with the reason, and stalls nothing', async () => {
    await using pair = await startPair({ brokers: kafka().brokers })
    const unreadable = [Buffer.from('{"v":1'), Buffer.from('{"v":9}'), Buffer.from('{"v":1,"tenant":7}'), null]
    await put(`${pair.topicPrefix}.commands`, unreadable)
    const envelope = attempt()
    expect(await pair.transport.dispatch(envelope).resolution).toEqual(outcomeOf(envelope))

    await expect
      .poll(
        () => committedOffsets(kafka().brokers, `${pair.topicPrefix}.handlers`, `${pair.topicPrefix}.commands`),
        bounded,
      )
      .toEqual(new Map([[0, 5n]]))
    const letters = await readTopic(kafka().brokers, `${pair.topicPrefix}.dead-letters`)
    expect(
      letters.map(({ key, value, headers }) => ({
        key: key?.toString(),
        value: value?.toString(),
        reason: headers?.['dead-letter-reason']?.toString(),
        offset: headers?.['dead-letter-offset']?.toString(),
        topic: headers?.['dead-letter-topic']?.toString(),
      })),
    ).toEqual(
      ['not-json', 'unknown-version', 'schema', 'empty'].map((reason, index) => ({
        key: `k${index}`,
        value: unreadable[index]?.toString() ?? '',
        reason,
        offset: String(index),
        topic: `${pair.topicPrefix}.commands`,
      })),
    )
  })

  test('a command that failed for good goes to the dead letters as it came; its replay does not', async () => {
    await using pair = await startPair({
      brokers: kafka().brokers,
      process: (envelope) => {
        const first = outcomes.get(envelope.key) ?? outcomeOf(envelope, 'failed')
        outcomes.set(envelope.key, first)
        return Promise.resolve({ resolution: first })
      },
    })
    const outcomes = new Map<string, ReturnType<typeof outcomeOf>>()
    const first = attempt()
    const again = attempt(first.key)
    expect(await pair.transport.dispatch(first).resolution).toEqual(outcomeOf(first, 'failed'))
    expect(await pair.transport.dispatch(again).resolution).toEqual(outcomeOf(first, 'failed'))
    const letters = await readTopic(kafka().brokers, `${pair.topicPrefix}.dead-letters`)
    expect(letters.map(({ value }) => value?.toString())).toEqual([encodeCommand(first).toString()])
    expect(letters[0]?.headers?.['dead-letter-reason']?.toString()).toBe('command-failed')
    expect(letters[0]?.headers?.['dead-letter-detail']?.toString()).toContain(first.key)
  })

  test('a result is a CloudEvent in binary mode, keyed by the stream', async () => {
    await using pair = await startPair({ brokers: kafka().brokers })
    const envelope = attempt()
    await pair.transport.dispatch(envelope).resolution
    const [stored] = await readTopic(kafka().brokers, `${pair.topicPrefix}.results`)
    const headers = Object.fromEntries(
      Object.entries(stored?.headers ?? {}).map(([name, value]) => [name, value?.toString()]),
    )
    const { id, time, subject, data } = resultOf(envelope)
    expect(headers).toEqual({
      ce_specversion: '1.0',
      ce_id: id,
      ce_type: 'holdfast.command.succeeded',
      ce_source: '/commands',
      ce_time: time,
      ce_subject: subject,
      ce_command: 'test.command',
      ce_tenant: 'test',
      'content-type': 'application/json',
    })
    expect(stored?.key?.toString()).toBe(streamOf(commandIdOf(envelope.tenant, envelope.key)))
    expect(JSON.parse(stored?.value?.toString() ?? '')).toEqual(data)
  })

  test('a key that fails backs off alone: 200 others in its partition go on, through a window of 20', async () => {
    let healed = false
    const poisoned = attempt()
    const retried: number[] = []
    let mostOpen = 0
    await using pair = await startPair({
      brokers: kafka().brokers,
      process: (envelope) => {
        if (envelope.key === poisoned.key && !healed) return Promise.reject(new Error('not now'))
        return Promise.resolve({ resolution: outcomeOf(envelope) })
      },
      consumer: {
        window: 20,
        concurrency: 1,
        retryBackoff: { minMs: 5, maxMs: 20 },
        metrics: {
          retried: ({ attempt: number }) => retried.push(number),
          processed: () => (mostOpen = Math.max(mostOpen, pair.consumer.stats().open)),
        },
      },
    })
    const stuck = pair.transport.dispatch(poisoned)
    const behind = attempt(poisoned.key)
    const alsoStuck = pair.transport.dispatch(behind)
    await stuck.durable()
    for (let round = 0; round < 10; round++) {
      const healthy = Array.from({ length: 20 }, () => attempt())
      const resolutions = await Promise.all(healthy.map((envelope) => pair.transport.dispatch(envelope).resolution))
      expect(resolutions).toEqual(healthy.map((envelope) => outcomeOf(envelope)))
    }
    // Only what stands before the key is committed, for it is not done.
    await expect.poll(() => retried.length, bounded).toBeGreaterThan(3)
    const committed = await committedOffsets(
      kafka().brokers,
      `${pair.topicPrefix}.handlers`,
      `${pair.topicPrefix}.commands`,
    )
    expect(committed.get(0) ?? 0n).toBe(0n)
    healed = true
    expect(await stuck.resolution).toEqual(outcomeOf(poisoned))
    expect(await alsoStuck.resolution).toEqual(outcomeOf(behind))
    expect(stuck.attempts()).toBeGreaterThan(3)
    expect(retried).toEqual(retried.map((_, index) => index + 1))
    await expect
      .poll(
        () => committedOffsets(kafka().brokers, `${pair.topicPrefix}.handlers`, `${pair.topicPrefix}.commands`),
        bounded,
      )
      .toEqual(new Map([[0, 202n]]))
    expect(mostOpen).toBeGreaterThan(0)
  })

  test('nothing is committed before its reply and its result are acknowledged', async () => {
    let refused = 0
    const processed: string[] = []
    await using pair = await startPair({
      brokers: kafka().brokers,
      process: (envelope) => {
        processed.push(envelope.attemptId)
        return Promise.resolve({ resolution: outcomeOf(envelope), results: [resultOf(envelope)] })
      },
      consumer: {
        logger: {
          ...silentLogger,
          warn: (_details, message) => {
            if (message.startsWith('kafkajs')) refused++
          },
        },
      },
    })
    const group = `${pair.topicPrefix}.handlers`
    const topic = `${pair.topicPrefix}.results`
    const committed = () => committedOffsets(kafka().brokers, group, `${pair.topicPrefix}.commands`)
    // Without its topic a result cannot be acknowledged.
    await asAdmin(kafka().brokers, (admin) => admin.deleteTopics({ topics: [topic] }))
    const dispatch = pair.transport.dispatch(attempt())
    await dispatch.durable()
    // Several tries of the producer are many times the interval of the commits.
    await expect.poll(() => refused, bounded).toBeGreaterThan(4)
    expect(processed).toHaveLength(1)
    expect(await committed()).toEqual(new Map())
    await asAdmin(kafka().brokers, (admin) =>
      admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1 }] }),
    )
    await expect.poll(committed, bounded).toEqual(new Map([[0, 1n]]))
    expect(await readTopic(kafka().brokers, topic)).toHaveLength(1)
    expect(processed).toHaveLength(1)
  })

  test('a partition that reaches its window pauses, and goes on when there is room', async () => {
    const pauses: boolean[] = []
    const gate = Promise.withResolvers<void>()
    await using pair = await startPair({
      brokers: kafka().brokers,
      process: async (envelope) => {
        await gate.promise
        return { resolution: outcomeOf(envelope) }
      },
      consumer: { window: 10, metrics: { paused: ({ paused }) => pauses.push(paused) } },
    })
    const first = Array.from({ length: 15 }, () => pair.transport.dispatch(attempt()))
    await expect.poll(() => pauses, bounded).toEqual([true])
    const open = pair.consumer.stats().open
    const later = Array.from({ length: 15 }, () => pair.transport.dispatch(attempt()))
    await Promise.all(later.map((dispatch) => dispatch.durable()))
    // A fetch that was under way may bring some; a paused partition brings no more.
    expect(pair.consumer.stats().open).toBeLessThanOrEqual(open + 15)
    gate.resolve()
    await Promise.all([...first, ...later].map(({ resolution }) => resolution))
    expect(pauses.slice(0, 2)).toEqual([true, false])
  })

  test('closing finishes what is under way, publishes and commits it; what waited comes to the next handler', async () => {
    const gate = Promise.withResolvers<void>()
    let first = true
    await using pair = await startPair({
      brokers: kafka().brokers,
      process: async (envelope) => {
        if (first) {
          first = false
          started.resolve()
          await gate.promise
        }
        return { resolution: outcomeOf(envelope) }
      },
      consumer: { drainTimeoutMs: 20_000 },
      transport: { lookup: () => Promise.resolve(undefined) },
    })
    const started = Promise.withResolvers<void>()
    const running = attempt()
    const waiting = attempt(running.key)
    const runningDispatch = pair.transport.dispatch(running)
    const waitingDispatch = pair.transport.dispatch(waiting)
    await Promise.all([started.promise, waitingDispatch.durable()])
    const closed = pair.consumer.close()
    gate.resolve()
    await closed
    expect(pair.consumer.ready()).toBe(false)
    expect(await runningDispatch.resolution).toEqual(outcomeOf(running))
    const group = `${pair.topicPrefix}.handlers`
    const committed = await committedOffsets(kafka().brokers, group, `${pair.topicPrefix}.commands`)
    expect(committed.get(0)).toBe(1n)
    await pair.addConsumer().started
    expect(await waitingDispatch.resolution).toEqual(outcomeOf(waiting))
  })
})
