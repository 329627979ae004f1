import type { CommandEnvelope, CommandTransport, Resolution } from '@holdfast/core'

/** What stands at the other end: brings a command to its resolution, or rejects when it cannot now. */
export type ProcessCommand = (envelope: CommandEnvelope) => Promise<Resolution>

/** A transport, ready to take commands, with a handler behind it. */
export interface CommandTransportUnderTest extends AsyncDisposable {
  readonly transport: CommandTransport
}

export interface CommandTransportContractFactory {
  /**
   * Opens a transport whose commands end at `process`. What `process` resolves with counts as durable. Disposing of it
   * closes the transport, if a test has not, and whatever handles commands behind it.
   */
  open(process: ProcessCommand): Promise<CommandTransportUnderTest>
}
