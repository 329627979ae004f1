import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeptDocuments } from '@holdfast/audit'
import type { Projection } from '@holdfast/core'
import { createStoredDocuments } from '@holdfast/projections'
import { createSqliteReadStore } from '@holdfast/read-store-sqlite'

/** Keeps the documents of one rebuild in a read store on a temporary folder, so that memory stays flat. */
export async function keepDocuments(projection: Projection): Promise<KeptDocuments> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-rebuild-'))
  const store = createSqliteReadStore({ dataDir })
  const close = async (): Promise<void> => {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    return { documents: await createStoredDocuments(projection, store), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}
