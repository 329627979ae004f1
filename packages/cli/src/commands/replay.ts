import { writeFile } from 'node:fs/promises'
import { compareProjection, type ProjectionComparison } from '@holdfast/audit'
import type { Projection } from '@holdfast/core'
import { parseMoment, rebuild, type Moment } from '@holdfast/projections'
import { Command, InvalidArgumentError, Option } from 'commander'
import { tenantArgument } from '../support/arguments.ts'
import { CliError, exitCodes } from '../support/cli-error.ts'
import { csvOf } from '../support/csv.ts'
import { keepDocuments } from '../support/keep-documents.ts'
import { openReadStore } from '../support/open-read-store.ts'
import { addStoreOptions, loadApp, openStore, type OpenedStore, type StoreOptions } from '../support/open-store.ts'
import type { Output } from '../support/output.ts'
import type { Progress } from '../support/progress.ts'

interface ReplayOptions extends StoreOptions {
  readonly app?: string
  readonly at?: Moment
  readonly stream?: string
  readonly tenant?: string
  readonly csv?: true
  readonly out?: string
  readonly diff?: true
}

interface Replay {
  readonly options: ReplayOptions
  readonly projection: Projection
  readonly opened: OpenedStore
  readonly progress: Progress
}

export function replayCommand(output: (command: Command) => Output, progress: () => Progress): Command {
  return addStoreOptions(
    new Command('replay')
      .description('Fold a projection anew from the events, and print or compare its documents.')
      .argument('<projection>', 'as the application names it')
      .option('--app <module>', 'the application; default: HOLDFAST_APP')
      .option('--at <moment>', 'as of then: RFC 3339, or a position', momentOf)
      .option('--stream <name>', 'from the events of this stream alone')
      .option('--tenant <tenant>', "only this tenant's documents", tenantArgument)
      .addOption(new Option('--csv', 'documents as CSV, a column for each member').conflicts('json'))
      .option('--out <file>', 'write the documents there')
      .addOption(
        new Option('--diff', 'name each difference to the live projection').conflicts(['at', 'stream', 'csv', 'out']),
      )
      .option('--json', 'print JSON'),
  ).action(async (name: string, options: ReplayOptions, command: Command) => {
    const projection = (await loadApp(options.app)).projection(name)
    if (projection === undefined) throw new CliError(exitCodes.notFound, `the application has no projection "${name}"`)
    await using opened = await openStore(options)
    const replay = { options, projection, opened, progress: progress() }
    const out = output(command)
    try {
      if (options.diff === true) await compare(replay, out)
      else await print(replay, out)
    } finally {
      replay.progress.end()
    }
  })
}

function momentOf(text: string): Moment {
  const moment = parseMoment(text)
  if (moment === undefined)
    throw new InvalidArgumentError('It takes a time such as 2026-11-24T08:00:00Z, or a position.')
  return moment
}

async function print({ options, projection, opened, progress }: Replay, out: Output): Promise<void> {
  const { at, stream, tenant } = options
  const rebuilt = await rebuild(projection, {
    ...{ events: opened.store, at, stream, tenant },
    onProgress: ({ events }) => {
      progress.show(() => `${events} events`)
    },
  })
  progress.end()
  const documents: { readonly tenant: string; readonly id: string; readonly document: unknown }[] = []
  for await (const one of rebuilt.documents()) {
    documents.push({ tenant: one.tenant, id: one.id, document: JSON.parse(one.json) as unknown })
  }
  const { events, position, storedVersions } = rebuilt
  const whole = {
    ...{ projection: projection.name, version: projection.version, position: String(position), events },
    ...{ storedVersions, documents },
  }
  const lines = documents.map((one) => JSON.stringify(one)).join('\n')
  const text = options.csv === true ? csvOf(documents) : out.json ? JSON.stringify(whole, undefined, 2) : lines
  if (options.out === undefined) {
    if (text !== '') out.line(text)
    return
  }
  await writeFile(options.out, `${text}\n`).catch((error: unknown) => {
    throw new CliError(exitCodes.usage, `${options.out ?? ''} cannot be written: ${(error as Error).message}`)
  })
  const answer = { out: options.out, documents: documents.length, events, position: String(position) }
  out.answer(answer, () => {
    out.line(
      `${answer.out}: ${answer.documents} documents of ${answer.events} events, up to position ${answer.position}`,
    )
  })
}

async function compare({ options, projection, opened, progress }: Replay, out: Output): Promise<void> {
  await using readStore = openReadStore(options)
  if (readStore === undefined) throw new CliError(exitCodes.notFound, 'there is no read store beside the event store')
  const compared = await compareProjection({
    ...{ projection, events: opened.store, readStore, keep: () => keepDocuments(projection) },
    onProgress: ({ events }) => {
      progress.show(() => `${events} events`)
    },
  })
  progress.end()
  const { name } = projection
  if (compared.kind !== 'compared') throw new CliError(exitOf(compared), reasonOf(compared, name))
  const { differences, differenceCount, documents, position } = compared
  out.answer({ projection: name, position, documents, differenceCount, differences }, () => {
    const equal = differenceCount === 0
    out.line(
      equal
        ? `${name}: ${documents} documents equal what the events up to position ${position} fold to`
        : `${name}: ${differenceCount} differences at position ${position}`,
    )
    if (equal) return
    out.table(
      ['what', 'tenant', 'id', 'difference'],
      differences.map(({ kind, tenant, id, what }) => [kind, tenant, id, what]),
    )
  })
  if (differenceCount > 0) process.exitCode = exitCodes.no
}

type NotCompared = Exclude<ProjectionComparison, { kind: 'compared' }>

const exitOf = ({ kind }: NotCompared) => (kind === 'not-built' ? exitCodes.notFound : exitCodes.no)

function reasonOf(compared: NotCompared, name: string): string {
  switch (compared.kind) {
    case 'not-built':
      return `the read store does not have the projection "${name}"`
    case 'other-version':
      return `version ${compared.liveVersion} of "${name}" is live, and the application has another one`
    case 'moving':
      return `"${name}" went on with each look: try again when less happens`
  }
}
