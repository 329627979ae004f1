import { ReadStoreError } from '@holdfast/core'
import type { Database } from './database.ts'
import { isSchemaMissing } from './faults.ts'
import type { ResolvedOptions } from './options.ts'
import { migrations, schemaVersion } from './schema.ts'

/** Resolves when the schema is of a version that this code can work with. */
export type EnsureSchema = () => Promise<void>

/** Looks once; after a fault, or after `forget`, again. */
export function createSchemaCheck(
  database: Database,
  options: ResolvedOptions,
): { readonly ensure: EnsureSchema; readonly forget: () => void } {
  let checked: Promise<void> | undefined
  const forget = (): void => {
    checked = undefined
  }
  return {
    ensure() {
      checked ??= prepare(database, options).catch((error: unknown) => {
        forget()
        throw error
      })
      return checked
    },
    forget,
  }
}

async function prepare(database: Database, { schema, migrate, logger }: ResolvedOptions): Promise<void> {
  const version = await storedVersion(database, schema)
  if (version > schemaVersion) {
    throw new ReadStoreError(
      'unavailable',
      `the read store's schema "${schema}" has version ${version}, this version of Holdfast knows versions up to ` +
        `${schemaVersion}: start the newer version, or use another schema`,
    )
  }
  if (version === schemaVersion) return
  if (!migrate) {
    throw new ReadStoreError(
      'unavailable',
      version === 0
        ? `the read store's schema "${schema}" has not been made yet: start a projector`
        : `the read store's schema "${schema}" has version ${version}, and ${schemaVersion} is needed: start a projector`,
    )
  }
  await bringUp(database, schema)
  logger.debug({ schema, version: schemaVersion }, 'the schema of the read store is there')
}

/** 0 when there is none. */
async function storedVersion(database: Pick<Database, 'query'>, schema: string): Promise<number> {
  try {
    const [row] = await database.query<{ version: number }>(`SELECT version FROM "${schema}".schema_version`, [])
    return row?.version ?? 0
  } catch (error) {
    if (error instanceof ReadStoreError && isSchemaMissing(error.cause)) return 0
    throw error
  }
}

/** Applies the steps that are missing, all in one transaction: of several processes that start at once, one does it. */
async function bringUp(database: Database, schema: string): Promise<void> {
  await database.transaction(async (query) => {
    await query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`holdfast read store ${schema}`])
    const [found] = await query<{ there: boolean }>(`SELECT to_regnamespace($1) IS NOT NULL AS there`, [schema])
    // Making a schema takes a right that one who owns this one need not have.
    if (found?.there !== true) await query(`CREATE SCHEMA "${schema}"`, [])
    await query(
      `CREATE TABLE IF NOT EXISTS "${schema}".schema_version (
         only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
         version integer NOT NULL
       )`,
      [],
    )
    const [row] = await query<{ version: number }>(`SELECT version FROM "${schema}".schema_version`, [])
    for (const step of migrations.slice(row?.version ?? 0)) await query(step(`"${schema}"`), [])
    await query(
      `INSERT INTO "${schema}".schema_version (version) VALUES ($1)
       ON CONFLICT (only_row) DO UPDATE SET version = greatest(schema_version.version, excluded.version)`,
      [schemaVersion],
    )
  })
}
