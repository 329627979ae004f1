/** How a run ends; documented in `docs/cli.md`. */
export const exitCodes = {
  /** Done, and nothing is wrong. */
  ok: 0,
  /** Done, and the answer is no: something was found, does not hold, differs, or was refused. */
  no: 1,
  /** Called wrongly: arguments, settings, a file that cannot be read. */
  usage: 2,
  /** The store, the gateway or the broker cannot be reached now. */
  unavailable: 3,
  /** There is no such key, command, dead letter or seal. */
  notFound: 4,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends the run with a line on standard error: what is wrong, and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
