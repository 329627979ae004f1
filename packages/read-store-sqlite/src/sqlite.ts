import { withoutWarning } from './without-warning.ts'

/**
 * `node:sqlite`, without the ExperimentalWarning that some releases of Node 24 print when it is loaded. All code of this
 * package takes it from here, in each thread.
 */
const sqlite = withoutWarning('ExperimentalWarning', () => process.getBuiltinModule('node:sqlite'))

export type { DatabaseSync as Database, SQLOutputValue, StatementSync } from 'node:sqlite'
export const { DatabaseSync } = sqlite
