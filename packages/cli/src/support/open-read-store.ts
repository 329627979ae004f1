import { existsSync } from 'node:fs'
import type { ReadStore } from '@holdfast/core'
import { createPostgresReadStore } from '@holdfast/read-store-postgres'
import { createSqliteReadStore, readStoreFile } from '@holdfast/read-store-sqlite'
import { settingsOf, type StoreOptions } from './open-store.ts'

/**
 * Opens where projections are kept: PostgreSQL where HOLDFAST_READ_STORE_URL names it, else the file in the data folder.
 * Undefined when there is neither.
 *
 * @throws SettingsError, ReadStoreError
 */
export function openReadStore({ dataDir }: StoreOptions): (ReadStore & AsyncDisposable) | undefined {
  const settings = settingsOf({ DATA_DIR: dataDir })
  if (settings.READ_STORE_URL !== '') {
    const store = createPostgresReadStore({
      url: settings.READ_STORE_URL,
      schema: settings.READ_STORE_SCHEMA,
      migrate: false,
      maxConnections: 2,
      applicationName: 'holdfast-cli',
    })
    return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })
  }
  return existsSync(readStoreFile(settings.DATA_DIR))
    ? createSqliteReadStore({ dataDir: settings.DATA_DIR })
    : undefined
}
