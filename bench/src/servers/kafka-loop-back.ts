/** The far end of the bare loop: consume → append → produce. */
import { consume, createAppend, createKafka, createSender, loopTopics } from './kafka-loop.ts'

const kafka = createKafka(process.env['BROKERS'] ?? '')
const append = createAppend(process.env['EVENTSTORE_URL'] ?? '')
const reply = await createSender(kafka, loopTopics.back)
await consume(kafka, { topic: loopTopics.there, commits: true }, ({ key, value }) => {
  append(`command-${String(key)}`, String(value)).then(
    () => {
      reply({ key: key ?? null, value })
    },
    (error: unknown) => {
      throw error
    },
  )
})
console.log('ready')
process.once('SIGTERM', () => process.exit(0))
