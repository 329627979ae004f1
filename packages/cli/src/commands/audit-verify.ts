import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import {
  addProjections,
  createPublishedResults,
  compareProjection,
  openComparison,
  readPublicKey,
  sealFilesOf,
  verifyHistory,
} from '@holdfast/audit'
import type { History, OpenedComparison, ProjectionComparison, PublishedResults, VerifyReport } from '@holdfast/audit'
import type { App, Tenant } from '@holdfast/core'
import { readResultIds } from '@holdfast/transport-kafka'
import { Command } from 'commander'
import { listArgument, momentArgument, readTextFile, tenantArgument } from '../support/arguments.ts'
import { CliError, exitCodes } from '../support/cli-error.ts'
import { addKafkaOptions, kafkaOf, onKafka, type KafkaOptions } from '../support/kafka.ts'
import { keepDocuments } from '../support/keep-documents.ts'
import { openReadStore } from '../support/open-read-store.ts'
import { addStoreOptions, loadApp, openStore, type OpenedStore } from '../support/open-store.ts'
import { tone, type Output } from '../support/output.ts'
import type { Progress } from '../support/progress.ts'
import { verifyPage } from '../support/verify-page.ts'
import { publicKeyIn } from './audit-keygen.ts'

interface VerifyCommandOptions extends KafkaOptions {
  readonly app?: string
  readonly since?: number
  readonly tenant?: Tenant
  readonly seal: string
  readonly publicKey?: string
  readonly checkpoint?: readonly string[]
  readonly report?: string
  readonly html?: string
  readonly projections: boolean
  readonly strict?: true
}

export function auditVerifyCommand(output: (command: Command) => Output, progress: () => Progress): Command {
  return addKafkaOptions(
    addStoreOptions(
      new Command('verify')
        .description('Prove the whole history: order, keys, outcomes, responses, and that nothing sealed was changed.')
        .option('--app <module>', 'the application whose code projects the responses again; default: HOLDFAST_APP')
        .option('--since <time>', 'only what was recorded since then: RFC 3339, or 30m, 24h, 7d', momentArgument)
        .option('--tenant <tenant>', "only this tenant's outcomes", tenantArgument)
        .option('--seal <folder>', 'where the seals are; compared with if it is there', './seal')
        .option('--public-key <file>', 'of whoever sealed; default: public.pem in the seal folder')
        .option('--checkpoint <file>', 'a signed checkpoint that was kept elsewhere; several times', listArgument)
        .option('--report <file>', 'write the report as JSON')
        .option('--html <file>', 'write the report as a page that needs nothing else')
        .option('--no-projections', 'do not compare the live projections with a rebuild')
        .option('--strict', 'a response that the code projects differently now is a failure too'),
    ),
  ).action(async (options: VerifyCommandOptions, command: Command) => {
    const app = await loadApp(options.app)
    await using opened = await openStore(options)
    const seals = await openSeals(options, opened.history)
    const shown = progress()
    const published = await readPublished(options, shown)
    let report: VerifyReport
    try {
      report = await verifyHistory({
        ...{ history: opened.history, app, seals, published, sinceMs: options.since, tenant: options.tenant },
        nowMs: Date.now,
        onProgress: ({ events, findings }) => {
          shown.show(() => `${events} events, ${findings} findings`)
        },
      })
      if (options.projections) report = await compareProjections(report, { app, opened, options, shown })
    } finally {
      shown.end()
      await seals?.close()
    }
    if (options.report !== undefined) await write(options.report, `${JSON.stringify(report, undefined, 2)}\n`)
    if (options.html !== undefined) await write(options.html, await verifyPage(report))
    const out = output(command)
    out.answer(report, () => {
      print(report, options, out)
    })
    if (!report.sound || (options.strict === true && report.counts.drifts > 0)) process.exitCode = exitCodes.no
  })
}

/** A handler that was away publishes when it is back: what ended of late may be on its way. */
const settledMs = 5 * 60_000
/** Clocks of brokers and handlers may differ by so much. */
const clockSlackMs = 60_000

/** The results that are on Kafka, where it is named. Those that it does not keep any more are not looked for. */
async function readPublished(options: VerifyCommandOptions, shown: Progress): Promise<PublishedResults | undefined> {
  const kafka = kafkaOf(options)
  if (kafka === undefined) return undefined
  const untilMs = Date.now() - settledMs
  const published = createPublishedResults({ sinceMs: untilMs, untilMs })
  const window = await onKafka(
    readResultIds({
      ...kafka,
      onId: (id) => {
        published.add(id)
        shown.show(() => `${published.count} results on Kafka`)
      },
    }),
  )
  return window.heldSinceMs === undefined ? published : { ...published, sinceMs: window.heldSinceMs + clockSlackMs }
}

interface Parts {
  readonly app: App
  readonly opened: OpenedStore
  readonly options: VerifyCommandOptions
  readonly shown: Progress
}

/** Each projection of the application, where there is a read store. */
async function compareProjections(report: VerifyReport, { app, opened, options, shown }: Parts): Promise<VerifyReport> {
  await using readStore = app.projections.length === 0 ? undefined : openReadStore(options)
  if (readStore === undefined) return report
  const comparisons: [string, ProjectionComparison][] = []
  for (const projection of app.projections) {
    const compared = await compareProjection({
      ...{ projection, events: opened.store, readStore, keep: () => keepDocuments(projection) },
      onProgress: ({ events }) => {
        shown.show(() => `projection ${projection.name}: ${events} events`)
      },
    })
    comparisons.push([projection.name, compared])
  }
  return addProjections(report, comparisons)
}

/** Compares with the seals when there are some; with kept checkpoints only when they are asked for. */
async function openSeals(options: VerifyCommandOptions, history: History): Promise<OpenedComparison | undefined> {
  const kept = options.checkpoint ?? []
  const there = existsSync(sealFilesOf(options.seal).seals)
  if (!there && kept.length === 0) return undefined
  const publicKey = readPublicKey(await readTextFile(options.publicKey ?? publicKeyIn(options.seal)))
  const folder = options.seal
  return openComparison({ folder, history, publicKey, kept: await Promise.all(kept.map(readTextFile)) })
}

async function write(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((error: unknown) => {
    throw new CliError(exitCodes.usage, `${path} cannot be written: ${(error as Error).message}`, { cause: error })
  })
}

const maxShown = 20

function print(report: VerifyReport, options: VerifyCommandOptions, out: Output): void {
  const { counts, outcomes, seal, findings, findingsByRule, unknownCommands, sound } = report
  const seconds = report.durationMs / 1000
  out.line(sound ? tone.good('The history is sound.') : tone.bad('The history is NOT sound.'))
  out.line(`${counts.events} events in ${counts.streams} streams, ${seconds.toFixed(1)} s`)
  out.line(
    `outcomes: ${outcomes.succeeded} succeeded, ${outcomes.rejected} rejected, ${outcomes.failed} failed; ` +
      `${outcomes.released} released, ${counts.open} open`,
  )
  if (counts.removed > 0) out.line(`removed on purpose, and named by what is left: ${counts.removed} events`)
  out.line(`responses projected again: ${counts.responsesProjected}, ${counts.drifts} of them differ now`)
  for (const [name, count] of Object.entries(unknownCommands)) {
    out.line(tone.warn(`not projected: ${count} of ${name}, which the application does not have`))
  }
  if (seal === null)
    out.line(tone.warn('no seal to compare with: a change by hand that contradicts nothing is not seen'))
  else if (seal.whole)
    out.line(
      `seals: ${seal.checkpoints}, ${seal.sealedEvents} events as they were sealed, ${seal.unsealedEvents} newer`,
    )
  else out.line(tone.bad(`seals: BROKEN, first at position ${seal.firstBadPosition ?? 'that cannot be told'}`))
  if (seal !== null && options.publicKey === undefined) {
    out.line(tone.warn('the public key is the one that lies beside the seals: --public-key takes one that you trust'))
  }
  const { results } = report
  if (results !== null)
    out.line(
      `results on Kafka: ${results.onTopic}, complete where they ended from ${results.since} to ${results.until}`,
    )
  for (const { name, state, documents } of report.projections) {
    const text = `projection ${name}: ${state}${documents === undefined ? '' : `, ${documents} documents`}`
    out.line(state === 'different' ? tone.bad(text) : state === 'equal' ? text : tone.warn(text))
  }
  if (findings.length === 0) return
  out.line()
  out.table(
    ['rule', 'position', 'stream', 'what'],
    findings
      .slice(0, maxShown)
      .map(({ rule, position, stream, message, severity }) => [
        severity === 'drift' ? tone.warn(rule) : tone.bad(rule),
        position ?? '-',
        (stream ?? '-').slice(0, 24),
        message,
      ]),
  )
  const all = Object.values(findingsByRule).reduce((sum, count) => sum + count, 0)
  if (all > maxShown) out.line(`${all - Math.min(maxShown, findings.length)} more: --report writes them`)
}
