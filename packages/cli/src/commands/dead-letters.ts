import { commandIdOf, loadKeyState, streamOf, type CommandEnvelope, type EventStore } from '@holdfast/core'
import { createDeadLetterDesk, type DeadLetter, type DeadLetterDesk } from '@holdfast/transport-kafka'
import { Command } from 'commander'
import { momentArgument } from '../support/arguments.ts'
import { CliError, exitCodes } from '../support/cli-error.ts'
import { addKafkaOptions, kafkaOf, onKafka, type KafkaOptions } from '../support/kafka.ts'
import { addStoreOptions, openStore, type OpenedStore, type StoreOptions } from '../support/open-store.ts'
import type { Output } from '../support/output.ts'
import { listCommands } from './commands-list.ts'
import { releaseThroughGateway } from './keys-release.ts'

/** A dead letter as it is printed. */
interface ShownLetter {
  readonly place: string
  readonly reason: string
  readonly detail: string
  readonly at: string
  readonly source: string
  readonly command?: string
  readonly tenant?: string
  readonly key?: string
}

export function deadLettersListCommand(output: (command: Command) => Output): Command {
  return addKafkaOptions(
    addStoreOptions(
      new Command('list')
        .description('List what was given up: the dead letters of Kafka; embedded, the commands that failed.')
        .option('--since <time>', 'embedded only: RFC 3339, or 30m, 24h, 7d', momentArgument, momentArgument('7d')),
    ),
  ).action(async (options: KafkaOptions & { readonly since: number }, command: Command) => {
    const out = output(command)
    const desk = deskOf(options)
    const letters = desk === undefined ? await failedCommands(options) : (await onKafka(desk.list())).map(shown)
    out.answer({ from: desk === undefined ? 'event store' : 'kafka', letters }, () => {
      if (desk === undefined) out.line('No Kafka is named: these commands failed, as the event store has it.')
      out.table(
        ['place', 'reason', 'at', 'command', 'tenant', 'key', 'detail'],
        letters.map(({ place, reason, at, command: name = '-', tenant = '-', key = '-', detail }) => [
          ...[place, reason, at, name, tenant, key, detail.slice(0, 60)],
        ]),
      )
    })
  })
}

const maxFailed = 1_000

/** Without Kafka nothing is published that could be lost: what failed for good stands on its key's stream. */
async function failedCommands(options: StoreOptions & { readonly since: number }): Promise<readonly ShownLetter[]> {
  await using opened = await openStore(options)
  const { commands } = await listCommands(opened.history, { state: 'failed', since: options.since, limit: maxFailed })
  return commands.map(({ command, tenant, key, commandId, endedAt = '', generation }) => ({
    ...{ place: commandId.slice(0, 12), reason: 'command-failed', detail: `generation ${generation}`, at: endedAt },
    ...{ source: 'event store', command, tenant, key },
  }))
}

interface RetryOptions extends KafkaOptions {
  readonly release?: true
  readonly reason: string
  readonly gateway?: string
  readonly operator?: string
}

export function deadLettersRetryCommand(output: (command: Command) => Output): Command {
  return addKafkaOptions(
    addStoreOptions(
      new Command('retry')
        .description('Publish commands of dead letters again, as new attempts at the same requests. Kafka only.')
        .argument('<place...>', 'as `dead-letters list` shows them: <partition>:<offset>')
        .option('--release', 'release keys whose failure is recorded, or it would only be answered again')
        .option('--reason <text>', 'why they are released', 'retried from the dead letters')
        .option('--gateway <url>', 'that releases; default: http://HOLDFAST_HOST:HOLDFAST_PORT')
        .option('--operator <name>', 'which of HOLDFAST_OPERATOR_KEYS to use; default: the first'),
    ),
  ).action(async (places: readonly string[], options: RetryOptions, command: Command) => {
    const desk = deskOf(options)
    if (desk === undefined) {
      throw new CliError(
        exitCodes.usage,
        'without Kafka there is nothing to publish: release the key with `holdfast keys release`, and let the caller send again',
      )
    }
    const letters = await onKafka(desk.list())
    const envelopes = places.map((place) => commandOf(place, letters))
    await using opened = await openStore(options)
    const released: string[] = []
    for (const envelope of envelopes) if (await freeForRetry(envelope, opened, options)) released.push(envelope.key)
    await onKafka(desk.retry(places))
    const out = output(command)
    out.answer({ retried: places, released }, () => {
      out.line(`published again: ${places.join(', ')}`)
      if (released.length > 0) out.line(`released before: ${released.join(', ')}`)
    })
  })
}

function commandOf(place: string, letters: readonly DeadLetter[]): CommandEnvelope {
  const letter = letters.find((one) => one.place === place)
  if (letter === undefined) throw new CliError(exitCodes.notFound, `there is no dead letter at ${place}`)
  if (letter.envelope !== undefined) return letter.envelope
  throw new CliError(exitCodes.no, `the dead letter at ${place} is no command (${letter.reason}): it cannot be retried`)
}

/** True when the key had to be released. @throws CliError `no` when a recorded failure is in the way */
async function freeForRetry(envelope: CommandEnvelope, opened: OpenedStore, options: RetryOptions): Promise<boolean> {
  const { tenant, key } = envelope
  if (!(await failureIsRecorded(envelope, opened.store))) return false
  if (options.release !== true) {
    throw new CliError(
      exitCodes.no,
      `the failure of "${key}" (tenant ${tenant}) is recorded, and would only be answered again: --release releases the key first`,
    )
  }
  const { reason, gateway, operator } = options
  await releaseThroughGateway(key, { tenant, reason, ...(gateway && { gateway }), ...(operator && { operator }) })
  return true
}

async function failureIsRecorded({ tenant, key }: CommandEnvelope, store: EventStore): Promise<boolean> {
  const state = await loadKeyState(store, streamOf(commandIdOf(tenant, key)))
  return state.kind === 'resolved'
}

function deskOf(options: KafkaOptions): DeadLetterDesk | undefined {
  const kafka = kafkaOf(options)
  return kafka && createDeadLetterDesk(kafka)
}

const shown = ({ place, reason, detail, at, source, envelope }: DeadLetter): ShownLetter => ({
  ...{ place, reason, detail, at, source },
  ...(envelope && { command: envelope.command, tenant: envelope.tenant, key: envelope.key }),
})
