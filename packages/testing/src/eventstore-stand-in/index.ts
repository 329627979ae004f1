/**
 * A stand-in for EventStoreDB that speaks its gRPC protocol to the real client, for tests and measurements on machines
 * without Docker. File map and limits: `README.md`.
 */
export type { Fault, FaultRule, FaultyRpc } from './faults.ts'
export type { CheckpointForm, RequestCounts } from './server-context.ts'
export type { StandIn, StandInControl, StandInOptions } from './start-stand-in.ts'
export type { StartedEventStore } from './start-event-store.ts'
export type { TemporaryStandIn } from './temporary-stand-in.ts'
export { startStandIn } from './start-stand-in.ts'
export { startTemporaryStandIn } from './temporary-stand-in.ts'
export { defaultEventStoreImage, startEventStore } from './start-event-store.ts'
