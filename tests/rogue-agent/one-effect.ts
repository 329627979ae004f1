import type { HttpResponse } from '@holdfast/testing/http'
import { expect } from 'vitest'
import { commandIdIn } from '../support/api.ts'
import type { TestServer } from '../support/server.ts'

/**
 * Asserts that all these answers are one: the same status and bytes, at most one of them executed, and one outcome in
 * the event store. `executed` is 0 where the attempt that was executed lost its connection.
 */
export async function expectOneEffect(
  server: TestServer,
  responses: readonly HttpResponse[],
  executed: 0 | 1 = 1,
): Promise<void> {
  const [first, ...others] = responses
  if (first === undefined) throw new Error('there are no answers')
  expect(first.headers['idempotency-expires'], `recorded: ${first.status} ${first.body}`).toBeDefined()
  const different = others.filter((other) => other.status !== first.status || !other.bytes.equals(first.bytes))
  expect(different.map(({ status, body }) => `${status} ${body}`)).toEqual([])
  const firsts = responses.filter((response) => response.headers['idempotent-replayed'] === undefined)
  expect(firsts, 'attempts that say that they were executed').toHaveLength(executed)
  expect(await outcomesOf(server, commandIdIn(first)), 'outcomes in the event store').toBe(1)
}

/** How many outcomes stand on the key's stream. */
export async function outcomesOf(server: TestServer, commandId: string): Promise<number> {
  const events = await server.events(commandId)
  return events.filter((event) => event.metadata['outcome'] !== undefined).length
}
