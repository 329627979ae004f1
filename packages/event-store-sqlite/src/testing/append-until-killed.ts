/**
 * A process that appends until it is killed: `append-until-killed.ts <data folder> <run>`. Eight appenders, each with a
 * stream of its own that grows and a new stream for every other event; each acknowledgement is reported.
 */
import { createSqliteEventStore } from '../index.ts'
import { newEvent } from './kit.ts'
import { report } from './report.ts'

const [dataDir = '', run = ''] = process.argv.slice(2)
const store = await createSqliteEventStore({ dataDir })
report({ kind: 'open' })

async function append(stream: string, expected: bigint | 'no_stream'): Promise<void> {
  const events = [newEvent({ data: { filler: 'x'.repeat(300) } }), newEvent({ data: { n: 1 } })]
  const result = await store.append(stream, events, expected)
  if (result.kind === 'conflict')
    throw new Error(`${stream} is at ${String(result.actual)}, expected ${String(expected)}`)
  for (const [n, { id }] of events.entries()) {
    report({ kind: 'acknowledged', stream, revision: Number(result.revision) - events.length + 1 + n, id })
  }
}

async function appendForEver(appender: number): Promise<never> {
  for (let n = 0; ; n += 1) {
    await append(`run-${run}-grows-${appender}`, n === 0 ? 'no_stream' : BigInt(n * 2 - 1))
    await append(`run-${run}-new-${appender}-${n}`, 'no_stream')
  }
}

await Promise.all(Array.from({ length: 8 }, (_, appender) => appendForEver(appender)))
