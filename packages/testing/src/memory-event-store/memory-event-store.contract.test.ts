import { describeEventStoreContract } from '../event-store-contract/index.ts'
import { openMemoryEventStore, createMemoryLog } from './index.ts'

describeEventStoreContract('memory', {
  open: async () => {
    const log = createMemoryLog()
    let current = openMemoryEventStore(log)
    return {
      store: current,
      reopen: async () => {
        await current.close()
        current = openMemoryEventStore(log)
        return current
      },
      [Symbol.asyncDispose]: () => current.close(),
    }
  },
})
