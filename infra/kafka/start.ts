/**
 * `npm run kafka`: a real single-node Kafka broker (KRaft) on loopback, for machines without Docker. Needs Java 17 or
 * newer, and Maven for the first start (it fetches the jars, 44 MB, into `infra/kafka/target/libs`).
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createBrokerProcess } from '../../packages/testing/src/kafka/broker-process.ts'
import { freePorts } from '../../packages/testing/src/kafka/free-ports.ts'

const usage = `A single-node Kafka broker on 127.0.0.1, from Maven Central's jars.

  npm run kafka -- [options]

  --port <n>        TCP port for clients           HOLDFAST_KAFKA_PORT      default 9092
  --data-dir <dir>  where the data are kept        HOLDFAST_KAFKA_DATA_DIR  default ./data/kafka
  --heap <size>     heap of the JVM, as in -Xmx    HOLDFAST_KAFKA_HEAP      default 512m
  --log             print what the broker logs
  --help            this text

Java 17 or newer must be in JAVA_HOME or on PATH; Maven (mvn) too, for the first start. Ends on SIGINT and SIGTERM.`

const stop = (message: string): never => {
  console.error(message)
  process.exit(1)
}

const { values } = (() => {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: process.env['HOLDFAST_KAFKA_PORT'] ?? '9092' },
        'data-dir': { type: 'string', default: process.env['HOLDFAST_KAFKA_DATA_DIR'] ?? './data/kafka' },
        heap: { type: 'string', default: process.env['HOLDFAST_KAFKA_HEAP'] ?? '512m' },
        log: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return stop(`${(error as Error).message} (--help lists the options)`)
  }
})()

if (values.help) {
  console.log(usage)
  process.exit(0)
}
const port = Number(values.port)
if (!Number.isInteger(port) || port < 1 || port > 65_535)
  stop(`port is "${values.port}": a number from 1 to 65535 is allowed`)
if (!/^[1-9]\d*[kmg]$/i.test(values.heap)) stop(`heap is "${values.heap}": a size such as 384m or 1g is allowed`)

let ending = false
try {
  const [controllerPort = 0] = await freePorts(1)
  const dataDir = resolve(values['data-dir'])
  const onLog = values.log ? (line: string) => console.log(line) : undefined
  const broker = await createBrokerProcess({
    port,
    controllerPort,
    dataDir,
    heap: values.heap,
    ...(onLog && { onLog }),
  })
  const end = () => {
    ending = true
    void broker.stop().then(() => process.exit(0))
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  process.once('exit', () => {
    if (broker.pid !== undefined) process.kill(broker.pid, 'SIGKILL')
  })
  await broker.start()
  console.log(`kafka ready on 127.0.0.1:${port} (pid ${String(broker.pid)}, data in ${dataDir})`)
  stop(await broker.died)
} catch (error) {
  if (!ending) stop(`kafka: ${(error as Error).message}`)
}
