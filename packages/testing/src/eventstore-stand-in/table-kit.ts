import { randomUUID } from 'node:crypto'
import type { AppendExpectedRevision, AppendResult, EventData, ResolvedEvent } from '@eventstore/db-client'
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import type { StartedEventStore } from './start-event-store.ts'
import { startEventStore } from './start-event-store.ts'

/** A server and the real client, for the tests of what the server answers. */
export interface Table extends AsyncDisposable {
  readonly server: StartedEventStore
  readonly client: EventStoreDBClient
}

export async function openTable(): Promise<Table> {
  const server = await startEventStore()
  // Moving the stand-in's clock ahead makes this machine's clock slow, and a client that is 10 s slow is timed out.
  const client = EventStoreDBClient.connectionString(`${server.url}&defaultDeadline=86400000`)
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      await client.dispose()
      await server[Symbol.asyncDispose]()
    },
  }
}

export const unique = (label: string): string => `${label}-${randomUUID()}`

export const someEvent = (id: string = randomUUID(), n = 0): EventData =>
  jsonEvent({ id, type: 'Happened', data: { n }, metadata: { v: 1 } })

export const someEvents = (count: number): EventData[] =>
  Array.from({ length: count }, (_, n) => someEvent(randomUUID(), n))

export const appendTo = (
  { client }: Pick<Table, 'client'>,
  stream: string,
  at: { readonly events: readonly EventData[]; readonly expected: AppendExpectedRevision },
): Promise<AppendResult> => client.appendToStream(stream, [...at.events], { expectedRevision: at.expected })

/** All a forwards read gives: the events, or the type of the error it ends with. */
export async function readOf(
  { client }: Pick<Table, 'client'>,
  stream: string,
): Promise<readonly ResolvedEvent[] | string> {
  const events: ResolvedEvent[] = []
  try {
    for await (const event of client.readStream(stream)) events.push(event)
  } catch (error) {
    return typeOf(error)
  }
  return events
}

export const revisionsOf = (events: readonly ResolvedEvent[] | string): readonly (bigint | undefined)[] | string =>
  typeof events === 'string' ? events : events.map(({ event }) => event?.revision)

/** The client's own name of an error, which is what can be told apart: texts and codes are empty in batch mode. */
export const typeOf = (error: unknown): string =>
  String((error as { readonly type?: unknown }).type ?? (error as { readonly code?: unknown }).code)

/** The error that a call fails with. */
export async function failureOf(work: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await work
  } catch (error) {
    return error as Record<string, unknown>
  }
  throw new Error('it did not fail')
}

/** Makes what was written so far older than a `$maxAge` of one second: by the stand-in's clock, or by waiting for it. */
export async function outliveOneSecond(table: Table, stream: string): Promise<void> {
  if (table.server.kind === 'stand-in') {
    table.server.control.advanceClock(5_000)
    return
  }
  await until('the events to expire', async () => {
    const events = await readOf(table, stream)
    return typeof events !== 'string' && events.length === 0
  })
}

/** Polls a condition, bounded: a hang fails, and nothing is measured. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`gave up waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
