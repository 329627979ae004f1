/**
 * A read store in memory for tests of what stands on the `ReadStore` port. It passes the whole contract suite, and adds what
 * a real store cannot be asked for: faults at will, and crashes that the data survives.
 *
 * File map: `data.ts` (the data: the disk) · `store.ts` (one process's view of it, and what can go wrong)
 */
export type { MemoryReadData } from './data.ts'
export type { CommitFault, MemoryReadStore, ReadStoreFaults } from './store.ts'
export { createMemoryReadData } from './data.ts'
export { createMemoryReadStore, openMemoryReadStore } from './store.ts'
