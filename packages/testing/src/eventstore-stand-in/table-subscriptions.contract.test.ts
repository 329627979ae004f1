import type { AllStreamSubscription, Filter, Position } from '@eventstore/db-client'
import { END, eventTypeFilter, jsonEvent, NO_STREAM, START, streamNameFilter } from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Table } from './table-kit.ts'
import { appendTo, failureOf, openTable, someEvents, unique, until } from './table-kit.ts'

let table: Table
beforeAll(async () => {
  table = await openTable()
})
afterAll(() => table[Symbol.asyncDispose]())

interface Watched extends AsyncDisposable {
  /** What came, in order: `event <revision>`, `checkpoint`, `caughtUp`, `confirmation`. */
  readonly seen: string[]
  readonly ids: string[]
  readonly checkpoints: Position[]
  readonly positions: Position[]
}

interface WatchOptions {
  readonly filter: (checkpointReached: (subscription: unknown, position: Position) => void) => Filter
  readonly from?: Position | typeof START | typeof END
}

function watch({ filter, from = START }: WatchOptions): Watched {
  const watched = {
    seen: [] as string[],
    ids: [] as string[],
    checkpoints: [] as Position[],
    positions: [] as Position[],
  }
  const subscription: AllStreamSubscription = table.client.subscribeToAll({
    fromPosition: from,
    filter: filter((_subscription, position) => {
      watched.seen.push('checkpoint')
      watched.checkpoints.push(position)
    }),
  })
  subscription.on('confirmation', () => watched.seen.push('confirmation'))
  subscription.on('caughtUp', () => watched.seen.push('caughtUp'))
  subscription.on('error', (error) => watched.seen.push(`error ${String(error)}`))
  subscription.on('data', ({ event }) => {
    if (!event) return
    watched.seen.push(`event ${event.revision}`)
    watched.ids.push(event.id)
    if (event.position) watched.positions.push(event.position)
  })
  return Object.assign(watched, { [Symbol.asyncDispose]: () => subscription.unsubscribe() })
}

const byPrefix =
  (
    prefix: string,
    rest: { readonly maxSearchWindow?: number; readonly checkpointInterval?: number } = {},
  ): WatchOptions['filter'] =>
  (checkpointReached) =>
    streamNameFilter({ prefixes: [prefix], checkpointReached, ...rest })

describe('a subscription to a filtered $all', () => {
  test('confirms, gives the past, says that it has caught up, then gives what comes', async () => {
    const base = unique('past')
    await appendTo(table, `${base}-1`, { events: someEvents(2), expected: NO_STREAM })
    await appendTo(table, unique('other'), { events: someEvents(2), expected: NO_STREAM })
    await using watched = watch({ filter: byPrefix(base) })
    await until('catching up', () => watched.seen.includes('caughtUp'))
    await appendTo(table, `${base}-2`, { events: someEvents(1), expected: NO_STREAM })
    await until('the live event', () => watched.ids.length === 3)
    expect(watched.seen.filter((step) => step !== 'checkpoint')).toEqual([
      'confirmation',
      'event 0',
      'event 1',
      'caughtUp',
      'event 0',
    ])
    expect(watched.seen.indexOf('checkpoint')).toBeLessThan(watched.seen.indexOf('caughtUp'))
  })

  test('resumes after the position of an event', async () => {
    const base = unique('resume')
    const events = someEvents(3)
    await appendTo(table, base, { events, expected: NO_STREAM })
    await using whole = watch({ filter: byPrefix(base) })
    await until('three events', () => whole.positions.length === 3)
    const [, second] = whole.positions
    await using rest = watch({ filter: byPrefix(base), ...(second && { from: second }) })
    await until('catching up', () => rest.seen.includes('caughtUp'))
    expect(rest.ids).toEqual(events.slice(2).map(({ id }) => id))
  })

  test('from the end: only what comes', async () => {
    const base = unique('end')
    await appendTo(table, base, { events: someEvents(2), expected: NO_STREAM })
    await using watched = watch({ filter: byPrefix(base), from: END })
    await until('catching up', () => watched.seen.includes('caughtUp'))
    const [live] = someEvents(1)
    await appendTo(table, base, { events: live ? [live] : [], expected: 1n })
    await until('the live event', () => watched.ids.length > 0)
    expect(watched.ids).toEqual([live?.id])
  })

  test('while it catches up, checkpoints come each window; one with prepare 0 includes what stands at its commit position', async () => {
    const base = unique('window')
    await appendTo(table, unique('before'), { events: someEvents(50), expected: NO_STREAM })
    await using watched = watch({ filter: byPrefix(base, { maxSearchWindow: 10, checkpointInterval: 1 }) })
    await until('catching up', () => watched.seen.includes('caughtUp'))
    expect(watched.checkpoints.length).toBeGreaterThan(3)
    const inexact = watched.checkpoints.filter(({ commit, prepare }) => commit !== prepare)
    expect(inexact.length).toBeGreaterThan(0)
    const [from] = inexact
    if (!from) return
    // Taken as (commit, commit) it would skip the event that begins there.
    const ids = async (position: Position): Promise<string[]> => {
      const seen: string[] = []
      await using all = watch({
        filter: (checkpointReached) => eventTypeFilter({ regex: '.', checkpointReached }),
        from: position,
      })
      await until('catching up', () => all.seen.includes('caughtUp'))
      seen.push(...all.ids)
      return seen
    }
    const inclusive = await ids(from)
    const exclusive = await ids({ commit: from.commit, prepare: from.commit })
    expect(inclusive.slice(1)).toEqual(exclusive)
  })

  test('live, a checkpoint comes each interval of events that do not match, at the position of one', async () => {
    const base = unique('live')
    await using watched = watch({ filter: byPrefix(base, { maxSearchWindow: 5, checkpointInterval: 2 }) })
    await until('catching up', () => watched.seen.includes('caughtUp'))
    const before = watched.checkpoints.length
    for (let n = 0; n < 25; n += 1)
      await appendTo(table, unique('rest'), { events: someEvents(1), expected: NO_STREAM })
    await until('two checkpoints', () => watched.checkpoints.length >= before + 2)
    for (const { commit, prepare } of watched.checkpoints.slice(before)) expect(commit).toBe(prepare)
  })

  test.each([
    {
      case: 'a prefix of stream names',
      matching: ['a-1', 'ab'],
      filter: (base: string) => ({ prefixes: [`${base}-a`] }),
    },
    {
      case: 'several prefixes',
      matching: ['a-1', 'ab', 'b'],
      filter: (base: string) => ({ prefixes: [`${base}-a`, `${base}-b`] }),
    },
    { case: 'a regular expression', matching: ['ab', 'b'], filter: (base: string) => ({ regex: `^${base}-(a)?b$` }) },
  ])('filters by $case', async ({ matching, filter }) => {
    const base = unique('filter')
    const idByTail = new Map<string, string>()
    for (const tail of ['a-1', 'ab', 'b', 'c']) {
      const event = jsonEvent({ type: tail, data: {} })
      idByTail.set(tail, event.id)
      await appendTo(table, `${base}-${tail}`, { events: [event], expected: NO_STREAM })
    }
    await using watched = watch({ filter: () => streamNameFilter(filter(base) as { prefixes: string[] }) })
    await until('catching up', () => watched.seen.includes('caughtUp'))
    expect(watched.ids).toEqual(matching.map((tail) => idByTail.get(tail)))
  })

  test('filters by event type', async () => {
    const base = unique('types')
    const [one, other] = [`one${base}`, `other${base}`]
    await appendTo(table, base, {
      events: [jsonEvent({ type: one, data: {} }), jsonEvent({ type: other, data: {} })],
      expected: NO_STREAM,
    })
    await using watched = watch({
      filter: (checkpointReached) => eventTypeFilter({ prefixes: [other], checkpointReached }),
    })
    await until('catching up', () => watched.seen.includes('caughtUp'))
    expect(watched.seen.filter((step) => step.startsWith('event'))).toEqual(['event 1'])
  })

  test('gives the tombstone of a stream as an event of a type of the server’s own', async () => {
    const stream = unique('tombstone')
    await appendTo(table, stream, { events: someEvents(1), expected: NO_STREAM })
    await table.client.tombstoneStream(stream)
    await using watched = watch({ filter: byPrefix(stream) })
    await until('catching up', () => watched.seen.includes('caughtUp'))
    expect(watched.seen.at(-1)).toBe('caughtUp')
    expect(watched.seen).toContain(`event ${2n ** 63n - 1n}`)
  })

  test('from where no record stands: refused', async () => {
    await using watched = watch({ filter: byPrefix('x'), from: { commit: 19n, prepare: 19n } })
    await until('the refusal', () => watched.seen.some((step) => step.startsWith('error')))
    expect(watched.seen.at(-1)).toContain('invalid position')
  })

  test('a slow reader gets everything, in order', async () => {
    const base = unique('slow')
    const events = someEvents(600)
    await appendTo(table, base, { events, expected: NO_STREAM })
    const subscription = table.client.subscribeToAll({ filter: streamNameFilter({ prefixes: [base] }) })
    const ids: (string | undefined)[] = []
    for await (const { event } of subscription) {
      ids.push(event?.id)
      if (ids.length % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (ids.length === events.length) break
    }
    expect(ids).toEqual(events.map(({ id }) => id))
  })
})

describe('a subscription to a stream', () => {
  test('gives what is after a revision, then what comes', async () => {
    const stream = unique('one')
    await appendTo(table, stream, { events: someEvents(3), expected: NO_STREAM })
    const subscription = table.client.subscribeToStream(stream, { fromRevision: 0n })
    const revisions: (bigint | undefined)[] = []
    for await (const { event } of subscription) {
      revisions.push(event?.revision)
      if (revisions.length === 2) await appendTo(table, stream, { events: someEvents(1), expected: 2n })
      if (revisions.length === 3) break
    }
    expect(revisions).toEqual([1n, 2n, 3n])
  })

  test('to a tombstoned stream: StreamDeleted', async () => {
    const stream = unique('gone')
    await appendTo(table, stream, { events: someEvents(1), expected: NO_STREAM })
    await table.client.tombstoneStream(stream)
    const run = async (): Promise<void> => {
      for await (const _ of table.client.subscribeToStream(stream)) break
    }
    expect(await failureOf(run())).toMatchObject({ type: 'stream-deleted' })
  })
})

describe('finding a server', () => {
  test('a list of hosts goes through gossip', async ({ skip }) => {
    if (table.server.kind !== 'stand-in') return skip()
    const { EventStoreDBClient } = await import('@eventstore/db-client')
    const port = new URL(table.server.url).port
    const client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${port},localhost:${port}?tls=false`)
    expect(await appendTo({ client }, unique('gossip'), { events: someEvents(1), expected: NO_STREAM })).toMatchObject({
      success: true,
    })
    await client.dispose()
  })
})
