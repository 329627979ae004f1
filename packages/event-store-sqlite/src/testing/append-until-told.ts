/**
 * A process that appends events of 64 KiB, one after the other, and goes on when the store refuses one, with the same
 * event, until its parent sends it any message; then it closes the store: `append-until-told.ts <data folder>`.
 */
import { EventStoreError } from '@holdfast/core'
import { createSqliteEventStore } from '../index.ts'
import { newEvent } from './kit.ts'
import { report } from './report.ts'

const [dataDir = ''] = process.argv.slice(2)
const store = await createSqliteEventStore({ dataDir })
const stream = 'told'
let told = false
process.once('message', () => {
  told = true
  process.disconnect()
})
report({ kind: 'open' })

let revision = -1
let event = newEvent({ data: { filler: 'x'.repeat(64 * 1024) } })
while (!told) {
  try {
    await store.append(stream, [event], revision < 0 ? 'no_stream' : BigInt(revision))
    revision += 1
    report({ kind: 'acknowledged', stream, revision, id: event.id })
    event = newEvent({ data: event.data })
  } catch (error) {
    if (!(error instanceof EventStoreError)) throw error
    report({ kind: 'refused', code: error.code, id: event.id })
    // What is stored can be read, whatever cannot be written.
    const [last] = await store.read(stream, { direction: 'backwards', maxCount: 1 })
    if (Number(last?.revision ?? -1n) !== revision) throw new Error('a refused append was written', { cause: error })
  }
}
await store.close()
