import type { EventStore } from '@holdfast/core'
import { describeEventStoreContract } from '@holdfast/testing/event-store-contract'
import type { TemporaryStandIn } from '@holdfast/testing/eventstore-stand-in'
import { startTemporaryStandIn } from '@holdfast/testing/eventstore-stand-in'
import { afterAll, beforeAll } from 'vitest'
import { createEventStoreDbEventStore } from './create-event-store.ts'

// A server that does not know batch appends (before 21.10, or behind a proxy that hides them): one call for each append.
let server: TemporaryStandIn
beforeAll(async () => {
  server = await startTemporaryStandIn({ batchAppend: false })
})
afterAll(() => server[Symbol.asyncDispose]())

describeEventStoreContract('eventstoredb, by unary appends', {
  async open() {
    const create = (): EventStore => createEventStoreDbEventStore({ connectionString: server.current.url })
    const store = create()
    let current = store
    return {
      store,
      async reopen() {
        await current.close()
        current = create()
        return current
      },
      async [Symbol.asyncDispose]() {
        await current.close()
      },
    }
  },
})
