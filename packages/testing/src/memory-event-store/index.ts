/**
 * An event store in memory for tests of what stands on the `EventStore` port. It passes the whole contract suite, and
 * adds what a real store cannot be asked for: faults at will, and crashes that the data survives.
 *
 * File map: `log.ts` (the data: the disk) · `store.ts` (one process's view of it) · `faults.ts` (what can go wrong) ·
 * `subscription.ts`
 */
export type { AppendFault, AppendHook, PendingAppend, StoreFaults } from './faults.ts'
export type { MemoryLog, MemoryLogOptions } from './log.ts'
export type { MemoryEventStore } from './store.ts'
export { createMemoryLog } from './log.ts'
export { createMemoryEventStore, openMemoryEventStore } from './store.ts'
