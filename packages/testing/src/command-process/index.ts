/**
 * Command handlers and gateways as processes of one system, on a store in memory and a clock that is moved by hand: for
 * tests of what happens between them. A process may crash; the log and the clock stay.
 *
 * File map: `command.ts` (a command to try things with) · `world.ts` (log, clock, application) · `process.ts` (handler
 * and gateway on one open store) · `generations.ts` (the rules that a key's stream has to keep) · `one-key.ts` (one attempt, and what it leaves)
 */
export type { TestCommandOptions, TestHandle, TestInput } from './command.ts'
export type { AuditedGeneration } from './generations.ts'
export type { ProcessOptions, TestProcess, TestRequest } from './process.ts'
export type { World, WorldOptions } from './world.ts'
export { testCommand, testTenant } from './command.ts'
export { auditGenerations } from './generations.ts'
export { eventsOf, run, stepsOf, typesOf } from './one-key.ts'
export { createWorld } from './world.ts'
