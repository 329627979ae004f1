import {
  commandIdOf,
  evolve,
  keyMetadata,
  streamOf,
  vacant,
  type EventStore,
  type IdempotencyKey,
  type KeyState,
  type RecordedEvent,
  type Tenant,
} from '@holdfast/core'
import { Command } from 'commander'
import { defaultTenant, keyArgument, tenantArgument } from '../support/arguments.ts'
import { CliError, exitCodes } from '../support/cli-error.ts'
import { addStoreOptions, openStore, type StoreOptions } from '../support/open-store.ts'
import { timeOf, tone, type Output } from '../support/output.ts'
import { whatHappened } from '../support/what-happened.ts'

/** What `keys show --json` prints. */
export interface KeyTimeline {
  readonly tenant: string
  readonly key: string
  readonly commandId: string
  readonly state: KeyState['kind']
  /** When earlier generations were removed, for keys whose command does not keep them for ever. */
  readonly historyRemovedAt?: string
  readonly generations: readonly GenerationTimeline[]
}

export interface GenerationTimeline {
  readonly generation: number
  readonly command: string
  readonly attemptId: string
  readonly requestId: string
  readonly fingerprint: string
  readonly receivedAt: string
  readonly input: unknown
  readonly state: 'accepted' | 'succeeded' | 'rejected' | 'failed' | 'released'
  readonly attempts: number
  readonly completedAt?: string
  readonly expiresAt?: string
  readonly response?: { readonly status: number; readonly headers: object; readonly body: string }
  readonly released?: { readonly at: string; readonly by: string; readonly reason: string }
  readonly events: readonly TimelineEvent[]
}

export interface TimelineEvent {
  readonly revision: string
  readonly position: string
  readonly at: string
  readonly type: string
  /** In a few words. */
  readonly what: string
}

interface ShowOptions extends StoreOptions {
  readonly tenant: Tenant
}

export function keysShowCommand(output: (command: Command) => Output): Command {
  return addStoreOptions(
    new Command('show')
      .description('Show what happened under a key: attempts, events, steps, response, generations, release.')
      .argument('<key>', 'the Idempotency-Key, or "<METHOD> <path>" of a command that its URI names', keyArgument)
      .option('--tenant <tenant>', 'whose key', tenantArgument, defaultTenant),
  ).action(async (key: IdempotencyKey, options: ShowOptions, command: Command) => {
    await using opened = await openStore(options)
    const timeline = await keyTimeline(opened.store, { key, tenant: options.tenant })
    const out = output(command)
    out.answer(timeline, () => {
      print(timeline, out)
    })
  })
}

const pageSize = 500

/** @throws CliError `notFound` when the tenant has no such key; EventStoreError */
async function keyTimeline(
  store: EventStore,
  { key, tenant }: { readonly key: IdempotencyKey; readonly tenant: Tenant },
): Promise<KeyTimeline> {
  const commandId = commandIdOf(tenant, key)
  const generations: RecordedEvent[][] = []
  let state: KeyState = vacant
  let removedAtMs: number | undefined
  for (let from = 0n; ; from += BigInt(pageSize)) {
    const page = await store.read(streamOf(commandId), { direction: 'forwards', from, maxCount: pageSize })
    for (const event of page) {
      const { envelope, removal } = keyMetadata(event)
      removedAtMs = removal?.removedAtMs ?? removedAtMs
      if (envelope !== undefined) generations.push([])
      generations.at(-1)?.push(event)
      state = evolve(state, event)
    }
    if (page.length < pageSize) break
  }
  if (state.kind === 'vacant') {
    throw new CliError(
      exitCodes.notFound,
      `the tenant "${tenant}" has no command under this key; --tenant says whose it is`,
    )
  }
  return {
    ...{ tenant, key, commandId, state: state.kind },
    ...(removedAtMs !== undefined && { historyRemovedAt: timeOf(removedAtMs) }),
    generations: generations.map(generationTimeline),
  }
}

function generationTimeline(events: readonly RecordedEvent[]): GenerationTimeline {
  const metadata = events.map(keyMetadata)
  const [first] = metadata
  const envelope = first?.envelope
  if (first === undefined || envelope === undefined) throw new CliError(exitCodes.no, 'a generation has no envelope')
  const outcome = metadata.find((one) => one.outcome !== undefined)?.outcome
  const release = metadata.find((one) => one.release !== undefined)?.release
  return {
    generation: first.generation,
    command: envelope.command,
    attemptId: first.attemptId,
    requestId: envelope.requestId,
    fingerprint: first.fingerprint,
    receivedAt: timeOf(envelope.receivedAtMs),
    input: envelope.input,
    state: release === undefined ? (outcome?.kind ?? 'accepted') : 'released',
    attempts: outcome?.attempts ?? events.filter(({ type }) => type === 'AttemptFailed').length,
    ...(outcome && {
      completedAt: timeOf(outcome.completedAtMs),
      expiresAt: timeOf(outcome.expiresAtMs),
      response: { status: outcome.response.status, headers: outcome.response.headers, body: outcome.response.body },
    }),
    ...(release && { released: { at: timeOf(release.releasedAtMs), by: release.by, reason: release.reason } }),
    events: events.map((event) => ({
      revision: String(event.revision),
      position: String(event.position),
      at: timeOf(event.recordedAtMs),
      type: event.type,
      what: whatHappened(event),
    })),
  }
}

function print(timeline: KeyTimeline, out: Output): void {
  out.line(`${tone.strong(timeline.key)} of ${timeline.tenant}: ${timeline.state}`)
  out.line(tone.muted(`command ${timeline.commandId}`))
  const { historyRemovedAt } = timeline
  if (historyRemovedAt !== undefined) out.line(`what came before was removed ${historyRemovedAt}, as its command says`)
  for (const generation of timeline.generations) {
    const { attempts, response, released } = generation
    out.line()
    out.line(
      `${tone.strong(`Generation ${generation.generation}`)}: ${generation.command}, ${generation.state}, ` +
        `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    )
    out.line(tone.muted(`received ${generation.receivedAt}, request ${generation.requestId}`))
    out.table(
      ['revision', 'position', 'at', 'event', 'what'],
      generation.events.map(({ revision, position, at, type, what }) => [revision, position, at, type, what]),
    )
    if (response !== undefined) {
      out.line(`response: ${response.status} ${response.body}`)
      out.line(tone.muted(`completed ${generation.completedAt ?? ''}, replayed until ${generation.expiresAt ?? ''}`))
    }
    if (released !== undefined) out.line(`released ${released.at} by ${released.by}: ${released.reason}`)
  }
}
