/** The `ReadStore` port on `node:sqlite`. See the README for the file map. */
export type { SqliteReadStoreOptions } from './store.ts'
export { createSqliteReadStore, readStoreFile } from './store.ts'
