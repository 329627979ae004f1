/**
 * - `main.ts`: `npx holdfast`
 * - `program.ts`: the commands, and how a run ends
 * - `commands/`: one file for each command
 * - `support/`: arguments, exit codes, output, progress, opening of the store
 */
export type { KeyTimeline } from './commands/keys-show.ts'
export type { ListedCommand } from './commands/commands-list.ts'
export type { ProgramStreams } from './program.ts'
export { exitCodes } from './support/cli-error.ts'
export { createProgram, runProgram } from './program.ts'
