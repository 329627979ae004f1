import { jsonOf } from '@holdfast/audit'
import type { History, StoredEvent } from '@holdfast/audit'
import {
  commandIdOfStream,
  commandStreamPrefix,
  type JsonObject,
  type KeyEventMetadata,
  type Tenant,
} from '@holdfast/core'
import { Command, Option } from 'commander'
import { countArgument, momentArgument, tenantArgument } from '../support/arguments.ts'
import { addStoreOptions, openStore, type StoreOptions } from '../support/open-store.ts'
import { timeOf, type Output } from '../support/output.ts'
import type { Progress } from '../support/progress.ts'

const states = ['accepted', 'succeeded', 'rejected', 'failed', 'released'] as const
type State = (typeof states)[number]

/** A generation of a key, as `commands list` shows it. */
export interface ListedCommand {
  readonly command: string
  readonly state: State
  readonly tenant: string
  readonly key: string
  readonly commandId: string
  readonly generation: number
  readonly receivedAt: string
  /** When it came to its end, or was released; absent while it runs. */
  readonly endedAt?: string
  readonly attempts?: number
  readonly status?: number
}

export interface ListOptions {
  readonly state?: State | undefined
  readonly since: number
  readonly tenant?: Tenant | undefined
  readonly command?: string | undefined
  readonly limit: number
}

export function commandsListCommand(output: (command: Command) => Output, progress: () => Progress): Command {
  return addStoreOptions(
    new Command('list')
      .description('List commands by what became of them, the newest last.')
      .addOption(new Option('--state <state>', 'only these').choices(states))
      .option('--since <time>', 'begun since then: RFC 3339, or 30m, 24h, 7d', momentArgument, momentArgument('24h'))
      .option('--tenant <tenant>', 'only of this tenant', tenantArgument)
      .option('--command <name>', 'only this command, as order.place')
      .option('--limit <n>', 'the newest ones', countArgument, 100),
  ).action(async (options: ListOptions & StoreOptions, command: Command) => {
    await using opened = await openStore(options)
    const shown = progress()
    const found = await listCommands(opened.history, options, (events) => {
      shown.show(() => `${events} events`)
    })
    shown.end()
    const out = output(command)
    out.answer(found, () => {
      out.table(
        ['command', 'state', 'status', 'attempts', 'received', 'tenant', 'key'],
        found.commands.map(({ command: name, state, status, attempts, receivedAt, tenant, key }) => [
          ...[name, state, String(status ?? '-'), String(attempts ?? '-'), receivedAt, tenant, key],
        ]),
      )
      if (found.more > 0) out.line(`${found.more} older ones are left out: --limit shows more`)
    })
  })
}

/** Walks through the history. Keeps what has no end yet, and the newest `limit` of the others. */
export async function listCommands(
  history: History,
  options: ListOptions,
  onProgress: (events: number) => void = () => undefined,
): Promise<{ readonly commands: readonly ListedCommand[]; readonly more: number }> {
  const { state, since, tenant, limit } = options
  const running = new Map<string, ListedCommand>()
  const ended = new Map<string, ListedCommand>()
  const sinceText = timeOf(since)
  let events = 0
  let more = 0

  const wanted = (one: ListedCommand): boolean =>
    one.receivedAt >= sinceText &&
    (tenant === undefined || one.tenant === tenant) &&
    (options.command === undefined || one.command === options.command)

  const keep = (name: string, listed: ListedCommand): void => {
    ended.delete(name)
    if (state !== undefined && listed.state !== state) return
    ended.set(name, listed)
    const [oldest] = ended.keys()
    if (ended.size <= limit || oldest === undefined) return
    ended.delete(oldest)
    more += 1
  }

  const take = async (event: StoredEvent): Promise<void> => {
    const metadata = jsonOf(event.metadata) as (JsonObject & KeyEventMetadata) | undefined
    if (metadata === undefined) return
    const { outcome, release } = metadata
    const begun = begunBy(event, metadata)
    const name = `${event.stream} ${metadata.generation}`
    if (begun !== undefined && wanted(begun)) running.set(name, begun)
    if (outcome === undefined && release === undefined) return
    // A release comes behind the outcome, and may be long after it.
    const known = running.get(name) ?? ended.get(name) ?? (release && (await beginningOf(history, event, metadata)))
    running.delete(name)
    if (known === undefined || !wanted(known)) return
    const { kind, attempts, completedAtMs, response } = outcome ?? {}
    keep(name, {
      ...known,
      state: kind ?? 'released',
      endedAt: timeOf(completedAtMs ?? release?.releasedAtMs ?? event.recordedAtMs),
      ...(attempts !== undefined && { attempts }),
      ...(response && { status: response.status }),
    })
  }

  for await (const page of history.events()) {
    for (const event of page) {
      // Whoever received it had another clock than the store, but none that is so far ahead.
      if (event.recordedAtMs < since - clockSlackMs || !event.stream.startsWith(commandStreamPrefix)) continue
      await take(event)
    }
    events += page.length
    onProgress(events)
  }
  if (state === undefined || state === 'accepted') for (const [name, listed] of running) keep(name, listed)
  return { commands: [...ended.values()].sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1)), more }
}

const clockSlackMs = 60_000

async function beginningOf(
  history: History,
  { stream, revision }: StoredEvent,
  { generation }: KeyEventMetadata,
): Promise<ListedCommand | undefined> {
  for (const event of await history.streamEvents(stream, { from: 0n, to: revision })) {
    const metadata = jsonOf(event.metadata) as (JsonObject & KeyEventMetadata) | undefined
    if (metadata?.generation === generation && metadata.envelope !== undefined) return begunBy(event, metadata)
  }
  return undefined
}

/** What the first event of a generation tells. */
function begunBy({ stream }: StoredEvent, { generation, envelope }: KeyEventMetadata): ListedCommand | undefined {
  const commandId = commandIdOfStream(stream)
  if (envelope === undefined || commandId === undefined) return undefined
  const { command, tenant, key, receivedAtMs } = envelope
  return { command, state: 'accepted', tenant, key, commandId, generation, receivedAt: timeOf(receivedAtMs) }
}
