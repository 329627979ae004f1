/**
 * The EventStore port on EventStoreDB / KurrentDB. File map and the traps it handles: `README.md`.
 */
export type { AdapterLogger, EventStoreDbOptions } from './options.ts'
export type { EventStoreDbEventStore } from './create-event-store.ts'
export { createEventStoreDbEventStore } from './create-event-store.ts'
