/**
 * The command cannot be finished as it is defined, however often it is tried: it asks for other steps than its history
 * holds, or uses a step name twice. It fails definitely, and nothing is undone, as nobody can tell what to undo.
 */
export class CommandDefect extends Error {
  override readonly name = 'CommandDefect'
}

/** Nobody knows whether the effect of an `atMostOnce` step happened. */
export class Indeterminate extends Error {
  override readonly name = 'Indeterminate'
  readonly step: string

  constructor(step: string, options?: ErrorOptions) {
    super(`nobody knows whether the step "${step}" had its effect`, options)
    this.step = step
  }
}

/** A step failed as often as it may within one try of the command. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed'
}

/** The try that asks for a step is over: its time is up, or it only replays what is recorded. */
export class TryIsOver extends Error {
  override readonly name = 'TryIsOver'
}
