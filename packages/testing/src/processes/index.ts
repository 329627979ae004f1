/**
 * Real processes for end-to-end tests.
 *
 * - `service-process.ts`: a service as a child process: start, wait until it is ready, signals, its log
 * - `run-to-exit.ts`: run a module to its end
 * - `log-lines.ts`: what a process has written
 * - `temporary-folder.ts`: a folder that deletes itself
 * - `until.ts`: wait for a condition, bounded
 * - `environment.ts`: what a child inherits
 */
export type { Exit, ServiceProcess, StartServiceOptions } from './service-process.ts'
export type { RunResult, RunToExitOptions } from './run-to-exit.ts'
export type { CollectedLog, LogLine } from './log-lines.ts'
export type { TemporaryFolder } from './temporary-folder.ts'
export type { UntilOptions } from './until.ts'
export { ServiceStartError, startService } from './service-process.ts'
export { runToExit } from './run-to-exit.ts'
export { temporaryFolder } from './temporary-folder.ts'
export { until } from './until.ts'
