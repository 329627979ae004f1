import { expect, test } from 'vitest'
import { startEventStore } from './start-event-store.ts'

test('a server that is named is taken as it is, whatever else could be had', async () => {
  const url = 'esdb://elsewhere:2113?tls=false'
  await using server = await startEventStore({ HOLDFAST_EVENTSTORE_URL: url, HOLDFAST_EVENTSTORE_IMAGE: 'unused' })
  expect(server).toMatchObject({ kind: 'given', url })
})
