import { siegeCommand } from '@holdfast/siege'
import { Command, CommanderError } from 'commander'
import { auditCheckCommand, auditProveCommand } from './commands/audit-prove.ts'
import { auditKeygenCommand } from './commands/audit-keygen.ts'
import { auditSealCommand } from './commands/audit-seal.ts'
import { auditVerifyCommand } from './commands/audit-verify.ts'
import { commandsListCommand } from './commands/commands-list.ts'
import { deadLettersListCommand, deadLettersRetryCommand } from './commands/dead-letters.ts'
import { keysReleaseCommand } from './commands/keys-release.ts'
import { keysShowCommand } from './commands/keys-show.ts'
import { replayCommand } from './commands/replay.ts'
import { exitCodes } from './support/cli-error.ts'
import { exitOf } from './support/exit-code-of.ts'
import { createOutput, type Output } from './support/output.ts'
import { createProgress, type Progress } from './support/progress.ts'

export interface ProgramStreams {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** The command line: groups of commands, each of which takes `--json`, and the siege. */
export function createProgram({ stdout, stderr }: ProgramStreams): Command {
  const write = (text: string): void => {
    stdout.write(text)
  }
  const output = (command: Command): Output => createOutput(write, command.opts<{ json?: true }>().json === true)
  const progress = (): Progress => createProgress(stderr)
  const program = new Command('holdfast')
    .description('Look into, repair and audit a Holdfast installation.')
    .addCommand(group('keys', 'Idempotency keys', [keysShowCommand(output), keysReleaseCommand(output)]))
    .addCommand(group('commands', 'Commands and what became of them', [commandsListCommand(output, progress)]))
    .addCommand(
      group('dead-letters', 'What was given up', [deadLettersListCommand(output), deadLettersRetryCommand(output)]),
    )
    .addCommand(replayCommand(output, progress))
    .addCommand(siegeCommand())
    .addCommand(
      group('audit', 'Proofs that the history is whole, and seals against tampering', [
        auditVerifyCommand(output, progress),
        auditSealCommand(output, progress),
        auditProveCommand(output),
        auditCheckCommand(output),
        auditKeygenCommand(output),
      ]),
    )
  return quiet(program, stdout, stderr)
}

function group(name: string, description: string, commands: readonly Command[]): Command {
  const parent = new Command(name).description(description)
  for (const command of commands) parent.addCommand(command.option('--json', 'print JSON'))
  return parent
}

/** Errors are one line, and never end the process by themselves. */
function quiet(command: Command, stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Command {
  command.exitOverride().configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    outputError: (text, writeLine) => {
      writeLine(
        `holdfast: ${text
          .replace(/^error: /, '')
          .trim()
          .replaceAll('\n', ' ')}\n`,
      )
    },
  })
  for (const child of command.commands) quiet(child, stdout, stderr)
  return command
}

/** Runs the program. Resolves with the exit code; a command may have set `process.exitCode` to say no. */
export async function runProgram(argv: readonly string[], streams: ProgramStreams): Promise<number> {
  try {
    await createProgram(streams).parseAsync([...argv], { from: 'user' })
    return Number(process.exitCode ?? exitCodes.ok)
  } catch (error) {
    // What commander throws it has told already; help that was asked for is no error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    const { exitCode, line } = exitOf(error)
    streams.stderr.write(`holdfast: ${line}\n`)
    return exitCode
  }
}
