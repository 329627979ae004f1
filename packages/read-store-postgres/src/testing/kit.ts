import { randomUUID } from 'node:crypto'
import type { ReadStore } from '@holdfast/core'
import type { ReadStoreUnderTest } from '@holdfast/testing/read-store-contract'
import pg from 'pg'
import { createPostgresReadStore } from '../read-store.ts'

/** A schema that nobody else uses. */
export const newSchema = (): string => `test_${randomUUID().replaceAll('-', '')}`

/** The store on a schema of its own, which is dropped at the end. */
export async function openOnNewSchema(url: string): Promise<ReadStoreUnderTest> {
  const schema = newSchema()
  const open = (): ReadStore => createPostgresReadStore({ url, schema })
  let current = open()
  return {
    store: current,
    another: () => Promise.resolve(open()),
    async reopen() {
      await current.close()
      current = open()
      return current
    },
    async [Symbol.asyncDispose]() {
      await current.close()
      await run(url, `DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
    },
  }
}

/** Runs one statement on a connection of its own. */
export async function run(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows
  } finally {
    await client.end()
  }
}
