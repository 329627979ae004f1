export type { Backup, BackupOptions } from './backup.ts'
export type { CommittedBatch, SqliteEventStore, SqliteEventStoreOptions } from './store.ts'
export { backupDataDir } from './backup.ts'
export { createSqliteEventStore, defaultMaxEventBytes } from './store.ts'
