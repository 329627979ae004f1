import { randomUUID } from 'node:crypto'
import type { ReadStore } from '@holdfast/core'
import { describeWithPostgres } from '@holdfast/testing/postgres'
import { expect, test } from 'vitest'
import { createPostgresReadStore, type PostgresReadStoreOptions } from './index.ts'
import { newSchema, run } from './testing/kit.ts'

const request = { name: 'p', version: 1, owner: 'one', leaseMs: 60_000 }

describeWithPostgres('the schema', (postgres) => {
  const open = (schema: string, options: Partial<PostgresReadStoreOptions> = {}): ReadStore & AsyncDisposable => {
    const store = createPostgresReadStore({ url: postgres().url, schema, ...options })
    return { ...store, [Symbol.asyncDispose]: () => store.close() }
  }

  test('of many processes that start at once, one makes it', async () => {
    const schema = newSchema()
    const stores = Array.from({ length: 12 }, () => open(schema, { maxConnections: 1 }))
    try {
      expect(await Promise.all(stores.map((store) => store.live('p')))).toEqual(stores.map(() => undefined))
    } finally {
      await Promise.all(stores.map((store) => store.close()))
    }
    expect(await run(postgres().url, `SELECT version FROM "${schema}".schema_version`)).toEqual([{ version: 1 }])
  })

  test('who may not make it waits until somebody else has', async () => {
    const schema = newSchema()
    await using reader = open(schema, { migrate: false })
    await expect(reader.live('p')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('start a projector') as string,
    })
    await using writer = open(schema)
    await writer.claim(request)
    expect(await reader.live('p')).toMatchObject({ owner: 'one' })
  })

  test('a newer one is left alone', async () => {
    const schema = newSchema()
    {
      await using store = open(schema)
      await store.claim(request)
    }
    await run(postgres().url, `UPDATE "${schema}".schema_version SET version = 99`)
    await using store = open(schema)
    await expect(store.live('p')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('version 99') as string,
    })
    expect(await run(postgres().url, `SELECT version FROM "${schema}".schema_version`)).toEqual([{ version: 99 }])
  })

  test('one that somebody has dropped is made again, empty', async () => {
    const schema = newSchema()
    await using store = open(schema)
    await store.claim(request)
    await run(postgres().url, `DROP SCHEMA "${schema}" CASCADE`)
    await expect(store.live('p')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await store.live('p')).toBeUndefined()
  })

  test('a user who owns the schema and nothing else is enough; one who reads needs to read only', async () => {
    const { url } = postgres()
    const schema = newSchema()
    const [owner, reader] = [`owner_${schema}`, `reader_${schema}`].map((name) => name.slice(0, 60))
    for (const role of [owner, reader]) await run(url, `CREATE ROLE "${role}" LOGIN PASSWORD 'secret'`)
    await run(url, `CREATE SCHEMA "${schema}" AUTHORIZATION "${owner}"`)
    const as = (role: string | undefined): string => {
      const changed = new URL(url)
      changed.username = role ?? ''
      changed.password = 'secret'
      return changed.href
    }
    await using projector = open(schema, { url: as(owner) })
    expect(await projector.claim(request)).toMatchObject({ kind: 'claimed' })
    await run(url, `GRANT USAGE ON SCHEMA "${schema}" TO "${reader}"`)
    await run(url, `GRANT SELECT ON ALL TABLES IN SCHEMA "${schema}" TO "${reader}"`)
    await using gateway = open(schema, { url: as(reader), migrate: false })
    expect(await gateway.live('p')).toMatchObject({ version: 1 })
    expect(await gateway.list({ name: 'p' }, { tenant: 't', limit: 1 })).toMatchObject({ documents: [] })
    await expect(gateway.claim({ ...request, owner: 'two', leaseMs: 1, name: 'q' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('the user lacks this right') as string,
    })
  })

  test.each([
    ['a wrong password', (url: URL) => (url.password = 'wrong-secret'), 'check user and password'],
    ['no such database', (url: URL) => (url.pathname = `/none-${randomUUID()}`), 'make the database first'],
    ['nobody there', (url: URL) => (url.port = '1'), 'ECONNREFUSED'],
  ])('%s: the error says so, and not the password', async (_, change, told) => {
    const url = new URL(postgres().url)
    change(url)
    await using store = open(newSchema(), { url: url.href })
    const error: unknown = await store.live('p').catch((fault: unknown) => fault)
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining(told) as string })
    expect(String((error as Error).message)).not.toContain(url.password)
  })
})
