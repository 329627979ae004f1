import type { CommandEnvelope, Dispatch, Resolution } from '@holdfast/core'
import { TransportError } from '@holdfast/core'
import { describeWithKafka, freePorts, openFaultyLine } from '@holdfast/testing/kafka'
import { expect, test } from 'vitest'
import { createKafkaSender } from './producer.ts'
import { silentLogger } from './logger.ts'
import { attempt } from './test-support/commands.ts'
import { asAdmin, readTopic } from './test-support/cluster.ts'
import { startPair } from './test-support/pair.ts'

const bounded = { timeout: 90_000, interval: 50 }

/** Dispatches a new key every few milliseconds until told to stop; remembers what was accepted, and what was refused. */
function traffic(dispatch: (envelope: CommandEnvelope) => Dispatch) {
  const accepted: CommandEnvelope[] = []
  const resolutions = new Map<string, Resolution>()
  const refusals: unknown[] = []
  const open = new Set<Promise<void>>()
  const follow = async (envelope: CommandEnvelope) => {
    const dispatched = dispatch(envelope)
    try {
      await dispatched.durable()
    } catch (error) {
      refusals.push(error)
      return
    }
    accepted.push(envelope)
    resolutions.set(envelope.attemptId, await dispatched.resolution)
  }
  const timer = setInterval(() => {
    const one = follow(attempt()).finally(() => open.delete(one))
    open.add(one)
  }, 4)
  return {
    accepted,
    resolutions,
    refusals,
    stop: async () => {
      clearInterval(timer)
      await Promise.all(open)
    },
  }
}

describeWithKafka(
  'a broker that is killed',
  (kafka) => {
    test('an acknowledged command is never lost: every one resolves when the broker is back, and traffic goes on', async () => {
      // No look-ups: the replies alone must do.
      const lookup = () => Promise.resolve(undefined)
      await using pair = await startPair({
        brokers: kafka().brokers,
        partitions: { commands: 4 },
        transport: { publishTimeoutMs: 1500, lookup },
      })
      const { transport, outcomes } = pair
      const load = traffic((envelope) => transport.dispatch(envelope))
      await expect.poll(() => load.resolutions.size, bounded).toBeGreaterThan(200)

      await kafka().kill()
      // Callers are refused in time, and at once from then on.
      await expect.poll(() => transport.ready(), bounded).toBe(false)
      await expect.poll(() => load.refusals.length, bounded).toBeGreaterThan(50)
      const { waiting } = transport.stats()
      await expect(transport.dispatch(attempt()).durable()).rejects.toBeInstanceOf(TransportError)
      expect(transport.stats().waiting).toBe(waiting)
      const before = load.accepted.length

      await kafka().restart()
      await expect.poll(() => transport.ready(), bounded).toBe(true)
      await expect.poll(() => load.resolutions.size, bounded).toBeGreaterThan(before + 200)
      await load.stop()

      expect(load.resolutions.size).toBe(load.accepted.length)
      for (const envelope of load.accepted) {
        expect(load.resolutions.get(envelope.attemptId)).toEqual(outcomes.find(envelope))
      }
      for (const refusal of load.refusals) expect(refusal).toBeInstanceOf(TransportError)
    })
  },
  { killsBroker: true },
)

const [linePort = 0] = await freePorts(1)

describeWithKafka(
  'a line that breaks between the write and its acknowledgement',
  (kafka) => {
    test('what is acknowledged stands in the log', async () => {
      const [, port = ''] = kafka().brokers[0]?.split(':') ?? []
      await using line = await openFaultyLine(linePort, () => Number(port))
      const topic = `line-${crypto.randomUUID()}`
      const brokers = [`127.0.0.1:${line.port}`]
      await asAdmin(brokers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }))
      const sender = createKafkaSender({ brokers, logger: silentLogger }, {})
      await sender.start()
      const acknowledged: string[] = []
      let next = 0
      let running = true
      // Many single messages at a time: the same numbers of messages, and so the same sequence numbers, come up again.
      const sending = Array.from({ length: 20 }, async () => {
        while (running) {
          const value = `message-${next++}`
          await sender.send({ topic, partition: 0, key: null, value: Buffer.from(value), headers: {} }).acknowledged
          acknowledged.push(value)
        }
      })
      for (let cut = 0; cut < 20; cut++) {
        const before = acknowledged.length
        await expect.poll(() => acknowledged.length, bounded).toBeGreaterThan(before + 100)
        await line.swallowAnswers(15)
      }
      running = false
      await Promise.all(sending)
      await sender.close(5000)
      const stored = new Set((await readTopic(brokers, topic)).map(({ value }) => value?.toString()))
      expect(acknowledged.filter((value) => !stored.has(value))).toEqual([])
    })
  },
  { advertisedPort: linePort },
)
