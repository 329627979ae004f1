import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describeWithKafka } from '@holdfast/testing/kafka'
import type { CommandEnvelope } from '@holdfast/core'
import { expect, test } from 'vitest'
import type { KafkaCommandConsumer } from './command-consumer.ts'
import { silentLogger } from './logger.ts'
import { superviseConsumer } from './supervised-consumer.ts'
import { attempt, outcomeOf } from './test-support/commands.ts'
import { asAdmin, committedOffsets } from './test-support/cluster.ts'
import type { GatewayNews } from './test-support/gateway-process.ts'
import type { HandlerNews } from './test-support/handler-process.ts'
import { startPair } from './test-support/pair.ts'

const bounded = { timeout: 60_000 }

describeWithKafka('handlers of one group', (kafka) => {
  test('join and leave under load: nothing is lost, order per key is kept', async () => {
    /** First time that each attempt was begun, by any handler, in order per key. */
    const begun = new Map<string, string[]>()
    const handle = async (envelope: CommandEnvelope) => {
      const order = begun.get(envelope.key) ?? []
      begun.set(envelope.key, order)
      if (!order.includes(envelope.attemptId)) order.push(envelope.attemptId)
      await new Promise((resolve) => setTimeout(resolve, 2))
      return { resolution: outcomeOf(envelope) }
    }
    await using pair = await startPair({ brokers: kafka().brokers, partitions: { commands: 6 }, process: handle })
    const keys = Array.from({ length: 40 }, () => crypto.randomUUID())
    const dispatched = new Map<string, string[]>(keys.map((key) => [key, []]))
    const resolved: Promise<unknown>[] = []
    let running = true
    const load = (async () => {
      while (running) {
        for (const key of keys) {
          const envelope = attempt(key)
          dispatched.get(key)?.push(envelope.attemptId)
          resolved.push(pair.transport.dispatch(envelope).resolution)
        }
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()

    const shares = (...consumers: readonly KafkaCommandConsumer[]) =>
      consumers.map((consumer) => consumer.stats().partitions.length).toSorted((a, b) => a - b)
    const second = pair.addConsumer()
    await second.started
    await expect.poll(() => shares(pair.consumer, second), bounded).toEqual([3, 3])
    const third = pair.addConsumer()
    await third.started
    await expect.poll(() => shares(pair.consumer, second, third), bounded).toEqual([2, 2, 2])
    await pair.consumer.close()
    await expect.poll(() => shares(second, third), bounded).toEqual([3, 3])
    await second.close()
    await expect.poll(() => shares(third), bounded).toEqual([6])
    running = false
    await load

    await Promise.all(resolved)
    for (const key of keys) expect(begun.get(key)).toEqual(dispatched.get(key))
    // And everything is committed, by whoever held it last.
    const total = BigInt(resolved.length)
    const sum = async () => {
      const offsets = await committedOffsets(
        kafka().brokers,
        `${pair.topicPrefix}.handlers`,
        `${pair.topicPrefix}.commands`,
      )
      return [...offsets.values()].reduce((all, offset) => all + offset, 0n)
    }
    await expect.poll(sum, bounded).toBe(total)
  })

  test('a handler that is killed has committed the finished prefix only: the rest comes again', async () => {
    const seen: string[] = []
    await using pair = await startPair({
      brokers: kafka().brokers,
      process: (envelope) => {
        seen.push(envelope.attemptId)
        return Promise.resolve({ resolution: outcomeOf(envelope) })
      },
    })
    // Only the process that will be killed works at first.
    await pair.consumer.close()
    const script = join(import.meta.dirname, 'test-support', 'handler-process.ts')
    const child = fork(script, [kafka().brokers.join(','), pair.topicPrefix])
    const begun: string[] = []
    child.on('message', (news: HandlerNews) => {
      if (news.kind === 'begun') begun.push(news.attemptId)
    })
    try {
      await once(child, 'message')
      const before = Array.from({ length: 5 }, () => attempt())
      await Promise.all(before.map((envelope) => pair.transport.dispatch(envelope).resolution))
      const held = attempt(undefined, { hold: true })
      const heldDispatch = pair.transport.dispatch(held)
      await heldDispatch.durable()
      const after = Array.from({ length: 30 }, () => attempt())
      await Promise.all(after.map((envelope) => pair.transport.dispatch(envelope).resolution))
      const committed = () =>
        committedOffsets(kafka().brokers, `${pair.topicPrefix}.handlers`, `${pair.topicPrefix}.commands`)
      await expect.poll(committed, bounded).toEqual(new Map([[0, 5n]]))
      expect(begun).toHaveLength(36)
      child.kill('SIGKILL')
      await once(child, 'exit')

      await pair.addConsumer().started
      expect(await heldDispatch.resolution).toEqual(outcomeOf(held))
      await expect.poll(committed, bounded).toEqual(new Map([[0, 36n]]))
      expect(seen).toEqual([held, ...after].map(({ attemptId }) => attemptId))
    } finally {
      child.kill('SIGKILL')
    }
  })

  test('a gateway that slept past its session finds the replies of that time', async () => {
    const gate = Promise.withResolvers<void>()
    let published = 0
    await using pair = await startPair({
      brokers: kafka().brokers,
      process: async (envelope) => {
        await gate.promise
        return { resolution: outcomeOf(envelope) }
      },
      consumer: { onPublished: () => published++ },
    })
    const script = join(import.meta.dirname, 'test-support', 'gateway-process.ts')
    const child = fork(script, [kafka().brokers.join(','), pair.topicPrefix])
    try {
      const [durable] = (await once(child, 'message')) as [GatewayNews]
      expect(durable).toEqual({ kind: 'durable' })
      child.kill('SIGSTOP')
      gate.resolve()
      await expect.poll(() => published, bounded).toBe(10)
      const members = () =>
        asAdmin(kafka().brokers, async (admin) => {
          const { groups } = await admin.listGroups()
          const ids = groups.map(({ groupId }) => groupId).filter((id) => id.includes('.paused-gateway.'))
          const described = await admin.describeGroups(ids)
          return described.groups.flatMap((group) => group.members).length
        })
      await expect.poll(members, bounded).toBe(0)
      const news = once(child, 'message') as Promise<[GatewayNews]>
      child.kill('SIGCONT')
      const [resolved] = await news
      expect(resolved).toEqual({ kind: 'resolved', by: Array.from({ length: 10 }, () => 'reply') })
    } finally {
      child.kill('SIGKILL')
    }
  })

  test('a consumer that crashes is replaced, and goes on where it was', async () => {
    const topic = `crash-${crypto.randomUUID()}`
    await asAdmin(kafka().brokers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }))
    await using pair = await startPair({ brokers: kafka().brokers })
    const replaced: unknown[] = []
    let batches = 0
    const members: string[] = []
    const supervised = superviseConsumer({
      connection: { brokers: kafka().brokers, logger: silentLogger },
      topic: `${pair.topicPrefix}.commands`,
      groupId: () => `crash-${topic}`,
      fromBeginning: true,
      maxBytesPerPartition: 1024 * 1024,
      metrics: { consumerReplaced: ({ error }) => replaced.push(error) },
      onJoin: ({ memberId }) => members.push(memberId),
      eachBatch: ({ batch, ...payload }) => {
        batches++
        // KafkaJS takes a TypeError for a fault of the program, and crashes for good.
        if (batches === 1) throw new TypeError('a fault')
        payload.resolveOffset(batch.lastOffset())
        return Promise.resolve()
      },
    })
    await supervised.joined
    await pair.transport.dispatch(attempt()).resolution
    await expect.poll(() => batches, bounded).toBeGreaterThanOrEqual(2)
    expect(replaced).toHaveLength(1)
    expect(new Set(members).size).toBe(2)
    await supervised.close()
  })
})
