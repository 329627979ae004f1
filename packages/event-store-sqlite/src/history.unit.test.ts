import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { temporaryFolder } from '@holdfast/testing/processes'
import { describe, expect, it } from 'vitest'
import { openSqliteHistory, type SqliteHistory } from './history.ts'
import { createSqliteEventStore } from './store.ts'

const event = (type: string, data = {}) => ({ id: randomUUID(), type, data, metadata: { v: 1 } })

async function all(history: SqliteHistory, after?: bigint) {
  const found = []
  for await (const page of history.events(after)) found.push(...page)
  return found
}

describe('the history of a data folder', () => {
  it('is read while a process writes to it, up to what that one has acknowledged', async () => {
    await using folder = await temporaryFolder()
    await using store = await createSqliteEventStore({ dataDir: folder.path })
    await store.append('a-1', [event('One', { text: 'ä' }), event('Two')], 'no_stream')
    await using history = openSqliteHistory({ dataDir: folder.path })
    expect((await all(history)).map(({ position, revision, type }) => [position, revision, type])).toEqual([
      [1n, 0n, 'One'],
      [2n, 1n, 'Two'],
    ])
    // Also a stream that was not there when it was opened.
    await store.append('b-1', [event('Three')], 'no_stream')
    expect(await all(history, 2n)).toHaveLength(1)
    expect(await history.streamEvents('b-1')).toHaveLength(1)
    expect(await history.store.read('b-1', { direction: 'forwards', maxCount: 9 })).toHaveLength(1)
    expect(Buffer.from((await history.streamEvents('a-1'))[0]?.data ?? []).toString()).toBe('{"text":"ä"}')
    // And the writer is not in its way.
    await store.append('b-1', [event('Four')], 0n)
  })

  it('gives pages to whoever subscribes, and refuses appends', async () => {
    await using folder = await temporaryFolder()
    await using store = await createSqliteEventStore({ dataDir: folder.path })
    await store.append('a-1', [event('One'), event('Two')], 'no_stream')
    await using history = openSqliteHistory({ dataDir: folder.path })
    const end = new AbortController()
    const types: string[] = []
    for await (const batch of history.store.subscribe({ prefix: '', signal: end.signal })) {
      types.push(...batch.events.map(({ type }) => type))
      if (batch.caughtUp) end.abort()
    }
    expect(types).toEqual(['One', 'Two'])
    await expect(history.store.append('a-1', [event('Three')], 1n)).rejects.toThrow('to be read only')
    await expect(history.store.checkWritable()).rejects.toThrow('to be read only')
  })

  it('tells of rows that their stream does not find, and of those before the first position', async () => {
    await using folder = await temporaryFolder()
    const store = await createSqliteEventStore({ dataDir: folder.path })
    await store.append('a-1', [event('One')], 'no_stream')
    await store.close()
    const database = new DatabaseSync(join(folder.path, 'events.sqlite'))
    database.exec(
      `INSERT INTO events SELECT -5, 7, 0, recorded_at_ms, 'hidden', id, type, data, metadata FROM events WHERE position = 1`,
    )
    database.close()
    await using history = openSqliteHistory({ dataDir: folder.path })
    expect((await all(history)).map(({ position, indexed }) => [position, indexed])).toEqual([
      [-5n, false],
      [1n, true],
    ])
  })

  it('tells of rows that readers of their type do not find', async () => {
    await using folder = await temporaryFolder()
    const store = await createSqliteEventStore({ dataDir: folder.path })
    await store.append('a-1', [event('One'), event('Two'), event('One')], 'no_stream')
    await store.close()
    const database = new DatabaseSync(join(folder.path, 'events.sqlite'))
    database.exec(`DELETE FROM type_blocks WHERE name = 'Two'`)
    database.close()
    await using history = openSqliteHistory({ dataDir: folder.path })
    expect((await all(history)).map(({ indexed }) => indexed)).toEqual([true, false, true])
  })

  it('has the events of a type, however many there are in a row, and however far apart', async () => {
    await using folder = await temporaryFolder()
    await using store = await createSqliteEventStore({ dataDir: folder.path })
    const isRare = (n: number) => n === 3 || (n >= 200 && n < 300) || n === 800
    const events = Array.from({ length: 1_000 }, (_, n) => event(isRare(n) ? 'Rare' : 'Frequent'))
    await store.append('a-1', events, 'no_stream')
    await using history = openSqliteHistory({ dataDir: folder.path })
    const found = []
    for await (const page of history.eventsOfType('Rare')) found.push(...page.map(({ revision }) => Number(revision)))
    expect(found).toEqual(events.flatMap(({ type }, n) => (type === 'Rare' ? [n] : [])))
  })

  it('has the events of a type as they were when it was asked, whatever is written meanwhile', async () => {
    await using folder = await temporaryFolder()
    await using store = await createSqliteEventStore({ dataDir: folder.path })
    const some = (count: number) => Array.from({ length: count }, () => event('One'))
    await store.append('a-1', some(10), 'no_stream')
    await using history = openSqliteHistory({ dataDir: folder.path })
    const found = []
    for await (const page of history.eventsOfType('One')) {
      found.push(...page.map(({ position }) => Number(position)))
      await store.append(`b-${found.length}`, some(90), 'no_stream')
    }
    expect(found).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('is not there where there is no store, and is closed after its end', async () => {
    await using folder = await temporaryFolder()
    expect(() => openSqliteHistory({ dataDir: join(folder.path, 'nothing') })).toThrow('there is no event store')
    await writeFile(join(folder.path, 'events.sqlite'), 'something else, and long enough to be looked at')
    expect(() => openSqliteHistory({ dataDir: folder.path })).toThrow(/not a database/)
    await using other = await temporaryFolder()
    await (await createSqliteEventStore({ dataDir: other.path })).close()
    const history = openSqliteHistory({ dataDir: other.path })
    await history.close()
    await history.close()
    await expect(history.streamEvents('a-1')).rejects.toMatchObject({ code: 'closed' })
    await expect(all(history)).rejects.toMatchObject({ code: 'closed' })
  })
})
