/** The near end of the bare loop, and its measurement: a line of commands on standard input, a line of figures for each. */
import { hash, randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { consume, createKafka, createSender, loopTopics } from './kafka-loop.ts'

const kafka = createKafka(process.env['BROKERS'] ?? '')
const send = await createSender(kafka, loopTopics.there)
const waiting = new Map<string, () => void>()
await consume(kafka, { topic: loopTopics.back, commits: false }, ({ key }) => {
  const name = String(key)
  waiting.get(name)?.()
  waiting.delete(name)
})
const value = JSON.stringify({ input: { product_id: 'abc', quantity: 2 }, note: 'x'.repeat(250) })
console.log('ready')

for await (const line of createInterface({ input: process.stdin })) {
  const [connections = 1, seconds = 1] = line.split(' ').map(Number)
  const latencies: number[] = []
  const end = performance.now() + seconds * 1000
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < end) {
        const key = hash('sha256', randomUUID(), 'hex')
        const started = performance.now()
        const answered = new Promise<void>((resolve) => waiting.set(key, resolve))
        send({ key, value })
        await answered
        latencies.push(performance.now() - started)
      }
    }),
  )
  latencies.sort((a, b) => a - b)
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN
  console.log(
    JSON.stringify({
      requests: latencies.length,
      requestsPerSecond: latencies.length / seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    }),
  )
}
