/** A gateway and a handler whose brokers never answer, closed again: then nothing may keep the process alive. */
import { createKafkaCommandConsumer } from '../command-consumer.ts'
import { createKafkaCommandTransport } from '../command-transport.ts'

const brokers = process.argv.slice(2)
const never = () => Promise.reject(new Error('never called'))
const transport = createKafkaCommandTransport({ brokers, instanceId: 'gateway-1', lookup: never })
const consumer = createKafkaCommandConsumer({ brokers, process: never })
await Promise.all([transport.close(), consumer.close()])
