import { describeReadStoreContract } from '../read-store-contract/index.ts'
import { createMemoryReadData, openMemoryReadStore } from './index.ts'

describeReadStoreContract('memory', {
  open: async () => {
    const data = createMemoryReadData()
    let current = openMemoryReadStore(data)
    return {
      store: current,
      another: async () => openMemoryReadStore(data),
      reopen: async () => {
        await current.close()
        current = openMemoryReadStore(data)
        return current
      },
      [Symbol.asyncDispose]: () => current.close(),
    }
  },
})
