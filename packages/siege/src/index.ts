/**
 * The rogue agent as a tool: attacks one operation of an HTTP API with retries and judges what comes back.
 *
 * - `run-siege.ts`: one siege, from the options to the result
 * - `options.ts`: what can be said, with defaults; `target.ts`: loopback, or on the owner's word
 * - `field.ts`: what scenarios act with; `intent.ts`, `template.ts`: requests; `transport/`: connections, whole and cut
 * - `journal.ts`: every attempt, bounds, the stop
 * - `scenarios/`: one file per kind of attack
 * - `command.ts`, `command-options.ts`, `exit-code.ts`, `main.ts`: the command line; `view/`: live view, table, HTML
 * - `profiles/`: checks of specifications
 * - `judge.ts`, `report.ts`, `ledger.ts`, `traffic.ts`: what is the same, what was found, what was done, in figures
 */
export type { AttemptRecord } from './journal.ts'
export type { LedgerSource, Progress, Route, SiegeOptions } from './options.ts'
export type { Evidence, Sample, Verdict, VerdictWord } from './report.ts'
export type { ScenarioResult, SiegeResult } from './run-siege.ts'
export type { Scenario } from './scenarios/scenario.ts'
export type { StopReason } from './siege-error.ts'
export type { Traffic } from './traffic.ts'
export { resultJson, siegeCommand } from './command.ts'
export { exitCodeOf } from './exit-code.ts'
export { verdictWord } from './report.ts'
export { runSiege } from './run-siege.ts'
export { profiles } from './profiles/index.ts'
export { scenarios } from './scenarios/index.ts'
export { SiegeError } from './siege-error.ts'
export { resultHtml } from './view/html.ts'
export { resultTable } from './view/table.ts'
