import { describeWithKafka } from '@holdfast/testing/kafka'
import { expect, test } from 'vitest'
import { createClient } from './client.ts'
import { createDeadLetterDesk } from './dead-letter-desk.ts'
import { silentLogger } from './logger.ts'
import { readResultIds } from './read-result-ids.ts'
import { asAdmin, readTopic } from './test-support/cluster.ts'
import { attempt, outcomeOf, resultOf } from './test-support/commands.ts'
import { startPair } from './test-support/pair.ts'

const bounded = { timeout: 30_000 }

describeWithKafka('dead letters', (kafka) => {
  const deskOf = (topicPrefix: string, brokers = kafka().brokers) =>
    createDeadLetterDesk({ connection: { brokers, logger: silentLogger }, topicPrefix, deadlineMs: 20_000 })

  test('are listed with their reason, and published again as new attempts at the same requests', async () => {
    let outcome: 'failed' | 'succeeded' = 'failed'
    const processed: string[] = []
    await using pair = await startPair({
      brokers: kafka().brokers,
      process: (envelope) => {
        processed.push(envelope.attemptId)
        return Promise.resolve({ resolution: outcomeOf(envelope, outcome) })
      },
    })
    const envelope = attempt()
    await pair.transport.dispatch(envelope).resolution
    const producer = createClient({ brokers: kafka().brokers, logger: silentLogger }).kafka.producer()
    await producer.connect()
    await producer.send({ topic: `${pair.topicPrefix}.commands`, messages: [{ key: 'k', value: '{"v":1' }] })
    await producer.disconnect()

    const desk = deskOf(pair.topicPrefix)
    await expect.poll(async () => (await desk.list()).length, bounded).toBe(2)
    const letters = await desk.list()
    const failed = letters.find(({ reason }) => reason === 'command-failed')
    const unreadable = letters.find(({ reason }) => reason === 'not-json')
    expect(failed).toMatchObject({ envelope })
    expect(failed?.source).toMatch(new RegExp(`^${pair.topicPrefix}\\.commands:\\d+:\\d+$`))
    expect(unreadable).toMatchObject({ envelope: undefined })

    outcome = 'succeeded'
    await desk.retry([failed?.place ?? ''])
    await expect.poll(() => processed.length, bounded).toBe(2)
    expect(processed[0]).toBe(envelope.attemptId)
    expect(processed[1]).not.toBe(envelope.attemptId)
    const sent = (await readTopic(kafka().brokers, `${pair.topicPrefix}.commands`)).filter(
      ({ value }) => value?.toString().includes(`"key":${JSON.stringify(envelope.key)}`) === true,
    )
    expect(sent.map(({ headers }) => Object.keys(headers ?? {}).filter((name) => name.startsWith('dead-')))).toEqual([
      [],
      [],
    ])
    expect(new Set(sent.map(({ partition, key }) => `${partition} ${key?.toString() ?? ''}`)).size).toBe(1)
    // They stay for whoever wants to know.
    expect(await desk.list()).toHaveLength(2)

    await expect(desk.retry([unreadable?.place ?? ''])).rejects.toThrow('is no command')
    await expect(desk.retry(['0:999'])).rejects.toThrow('there is no dead letter at 0:999')
  })

  test('are no results: those are read by their ids, from as far back as the topic goes', async () => {
    await using pair = await startPair({ brokers: kafka().brokers })
    const envelopes = [attempt(), attempt(), attempt()]
    for (const envelope of envelopes) await pair.transport.dispatch(envelope).resolution
    const wanted = envelopes.map((envelope) => resultOf(envelope).id).sort()
    const connection = { brokers: kafka().brokers, logger: silentLogger }
    const read = async () => {
      const ids: string[] = []
      const window = await readResultIds({ connection, topicPrefix: pair.topicPrefix, onId: (id) => ids.push(id) })
      return { ids: ids.sort(), ...window }
    }
    await expect.poll(async () => (await read()).ids, bounded).toEqual(wanted)
    expect(await read()).toMatchObject({ messages: 3, heldSinceMs: expect.any(Number) as number })
    await asAdmin(kafka().brokers, async (admin) => {
      const topic = `${pair.topicPrefix}.results`
      const full = (await admin.fetchTopicOffsets(topic)).find(({ high }) => Number(high) > 0)
      if (full === undefined) throw new Error('there is no result')
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: full.partition, offset: full.high }] })
    })
    // A partition that has lost messages and has none left says nothing of when it lost them.
    expect((await read()).heldSinceMs).toBeUndefined()
    const none = await readResultIds({ connection, topicPrefix: 'nobody', onId: () => undefined })
    expect(none).toEqual({ messages: 0, heldSinceMs: undefined })
  })

  test('are none where there is no topic, and an error where there is no broker', async () => {
    expect(await deskOf('nobody').list()).toEqual([])
    const nowhere = createDeadLetterDesk({
      connection: { brokers: ['127.0.0.1:9'], logger: silentLogger },
      topicPrefix: 'nobody',
      deadlineMs: 1_000,
    })
    await expect(nowhere.list()).rejects.toMatchObject({ code: 'unavailable' })
  })
})
