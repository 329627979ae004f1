import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { describeWithKafka } from './describe-with-kafka.ts'
import { freePorts } from './free-ports.ts'
import { startKafka } from './start-kafka.ts'

const accepts = (broker: string) =>
  new Promise<boolean>((resolve) => {
    const [host = '', port = ''] = broker.split(':')
    const socket = connect(Number(port), host)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.unref()
  })

describeWithKafka(
  'a broker for tests',
  (kafka) => {
    test('is killed and comes back on the same port', async () => {
      const [broker = ''] = kafka().brokers
      expect(await accepts(broker)).toBe(true)
      await kafka().kill()
      expect(await accepts(broker)).toBe(false)
      await kafka().restart()
      expect(await accepts(broker)).toBe(true)
    })

    test('runs beside another one', async () => {
      await using other = await startKafka()
      expect(other.brokers).not.toEqual(kafka().brokers)
      expect(await accepts(other.brokers[0] ?? '')).toBe(true)
    })
  },
  { killsBroker: true },
)

test('free ports are all different', async () => {
  const ports = await freePorts(20)
  expect(new Set(ports).size).toBe(20)
})
