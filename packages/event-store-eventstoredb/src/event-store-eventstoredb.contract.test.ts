import type { EventStore } from '@holdfast/core'
import { describeEventStoreContract } from '@holdfast/testing/event-store-contract'
import type { StartedEventStore } from '@holdfast/testing/eventstore-stand-in'
import { startEventStore } from '@holdfast/testing/eventstore-stand-in'
import { afterAll, beforeAll } from 'vitest'
import { createEventStoreDbEventStore } from './create-event-store.ts'

let server: StartedEventStore
beforeAll(async () => {
  server = await startEventStore()
})
afterAll(() => server[Symbol.asyncDispose]())

describeEventStoreContract('eventstoredb', {
  async open() {
    const create = (): EventStore => createEventStoreDbEventStore({ connectionString: server.url })
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
