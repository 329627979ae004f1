/** A process that opens a store and holds it until it is killed: `hold-open.ts <data folder>`. */
import { createSqliteEventStore } from '../index.ts'
import { report } from './report.ts'

await createSqliteEventStore({ dataDir: process.argv[2] ?? '' })
report({ kind: 'open' })
