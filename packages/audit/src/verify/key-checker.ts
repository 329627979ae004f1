import { commandIdOf, commandIdOfStream, keyEventTypes, streamOf } from '@holdfast/core'
import type { OutcomeKind, RecordedEnvelope } from '@holdfast/core'
import type { History, StoredEvent } from '../history.ts'
import { jsonOf } from '../json-of.ts'
import { namedBy } from '../removals.ts'
import type { Findings } from './findings.ts'
import {
  beginGeneration,
  checkOutcomeEvent,
  continueGeneration,
  type KeyEvent,
  type OpenGeneration,
} from './generation-checker.ts'
import type { ResponseChecker } from './response-checker.ts'
import { readMetadata } from './stored-metadata.ts'
import { generationStatus, type GenerationStatus, type StreamTable } from './stream-table.ts'

export interface KeyCheckerOptions {
  readonly history: History
  readonly findings: Findings
  readonly table: StreamTable
  readonly responses: ResponseChecker
  /** Only its outcomes are projected again and reported. Default: those of all. */
  readonly tenant?: string | undefined
  /** Called for each event that was stored in another version than the first. */
  readonly onVersion: (type: string, version: number) => void
  /** Called for each outcome and each release, with what its generation began with. */
  readonly onResult: (result: KeyResult) => void
}

export interface KeyResult {
  readonly event: KeyEvent
  readonly envelope: RecordedEnvelope
  readonly outcome: OutcomeKind | 'released'
}

/** Looks at the events of keys' streams one after the other, in global order. */
export interface KeyChecker {
  /** @param place of the stream in the table; its next revision is not looked at here */
  take(event: StoredEvent, place: number): Promise<void> | undefined
  /** Generations that have begun and not ended. */
  readonly open: number
}

/** Memory for generations that are open; those beyond are read again when they end. */
const maxOpenBytes = 32 * 1024 * 1024

export function createKeyChecker(options: KeyCheckerOptions): KeyChecker {
  const { history, findings, table, responses, tenant, onResult, onVersion } = options
  const openGenerations = new Map<string, OpenGeneration>()
  let openBytes = 0
  let open = 0

  function remember(stream: string, generation: OpenGeneration): void {
    openGenerations.set(stream, generation)
    openBytes += generation.bytes
    while (openBytes > maxOpenBytes) {
      const [oldest] = openGenerations.keys()
      if (oldest === undefined) break
      forget(oldest)
    }
  }
  function forget(stream: string): OpenGeneration | undefined {
    const generation = openGenerations.get(stream)
    openGenerations.delete(stream)
    openBytes -= generation?.bytes ?? 0
    return generation
  }

  /** The open generation of an event: in memory, or as far as it was written before the event. */
  async function readAgain({ stored, metadata }: KeyEvent): Promise<OpenGeneration | undefined> {
    let generation: OpenGeneration | undefined
    for (const before of await history.streamEvents(stored.stream)) {
      if (before.revision >= stored.revision) break
      const event = parse(before)
      if (event?.metadata.generation !== metadata.generation) continue
      generation ??= beginGeneration(event)
      // What is wrong with them was found when they went by.
      continueGeneration(generation, event, silent)
    }
    return generation
  }

  function parse(stored: StoredEvent, report?: Findings): KeyEvent | undefined {
    const [data, metadata] = [jsonOf(stored.data), jsonOf(stored.metadata)]
    if (data === undefined || metadata === undefined) {
      report?.at(stored, 'json', `its ${data === undefined ? 'data are' : 'metadata are'} no JSON object`)
      return undefined
    }
    const read = readMetadata(metadata)
    if (read.kind === 'read') {
      const { version } = read.metadata
      if (report !== undefined && version !== undefined) onVersion(stored.type, version)
      return { stored, data, metadata: read.metadata }
    }
    report?.at(stored, 'metadata', `the metadata have ${read.what}`)
    return undefined
  }

  function checkEnvelope(event: KeyEvent, envelope: RecordedEnvelope): void {
    const { stored } = event
    if (streamOf(commandIdOf(envelope.tenant, envelope.key)) !== stored.stream) {
      findings.at(stored, 'stream-name', 'the stream is not that of the tenant and the key in its envelope')
    }
    responses.checkFingerprint(event, envelope)
  }

  /** A further generation begins only behind an outcome that had expired, or was released or superseded. */
  async function checkReuse({ stored, metadata }: KeyEvent, envelope: RecordedEnvelope): Promise<void> {
    const revision = stored.revision - 1n
    const [before] = await history.streamEvents(stored.stream, { from: revision, to: revision })
    const previous = before && parse(before)
    const { outcome, removal } = previous?.metadata ?? {}
    const freeAtMs = outcome?.expiresAtMs ?? removal?.reusableAtMs
    if (previous === undefined || freeAtMs === undefined || envelope.receivedAtMs >= freeAtMs) return
    const command = responses.command(envelope.command)
    // Whether a command that is not known may supersede cannot be told.
    const superseded = removal === undefined && previous.metadata.fingerprint !== metadata.fingerprint
    if (superseded && (command === undefined || command.supersedes)) return
    findings.at(stored, 'early-reuse', 'a further generation was begun before the one before had expired')
  }

  /** True when the event begins a generation, and may. */
  function begins(event: KeyEvent, place: number): boolean {
    const { stored, metadata } = event
    const [generation, status] = [table.generation(place), table.status(place)]
    if (metadata.generation === generation) return false
    if (metadata.generation !== generation + 1) {
      findings.at(stored, 'generation', `generation ${metadata.generation} comes after generation ${generation}`)
    } else if (status === generationStatus.open) {
      findings.at(stored, 'generation', `generation ${metadata.generation} begins while the one before is open`)
    }
    if (metadata.envelope === undefined) {
      findings.at(stored, 'envelope', `generation ${metadata.generation} does not begin with its envelope`)
    }
    if (status === generationStatus.open) open -= 1
    return true
  }

  function checkPlace({ stored, metadata }: KeyEvent, status: number): void {
    if (metadata.release !== undefined) {
      if (status === generationStatus.released) findings.at(stored, 'release', 'the key was released before')
      if (status === generationStatus.open) findings.at(stored, 'release', 'it releases a key whose command still runs')
      if (stored.type !== keyEventTypes.released) findings.at(stored, 'release', `a release on a ${stored.type}`)
      return
    }
    if (status === generationStatus.open) return
    const what = metadata.outcome === undefined ? 'an event' : 'a second outcome'
    findings.at(stored, 'outcome', `${what} behind the outcome of generation ${metadata.generation}`)
  }

  function take(stored: StoredEvent, place: number): Promise<void> | undefined {
    if (commandIdOfStream(stored.stream) === undefined) {
      findings.at(stored, 'stream-name', 'the name of a command stream is "command-" and 64 hexadecimal digits')
      return undefined
    }
    const event = parse(stored, findings)
    if (event === undefined) return undefined
    const { metadata } = event
    if (metadata.removal !== undefined) {
      checkRemoval(event, place)
      return undefined
    }
    if (!begins(event, place)) {
      checkPlace(event, table.status(place))
      if (metadata.envelope !== undefined) findings.at(stored, 'envelope', 'a second envelope in one generation')
      return inGeneration(event, place)
    }
    const generation = beginGeneration(event)
    table.setGeneration(place, metadata.generation, generationStatus.open)
    open += 1
    const { envelope } = metadata
    if (envelope !== undefined) checkEnvelope(event, envelope)
    // Most generations are one event: they need nothing that stands elsewhere, and are not kept.
    if (metadata.outcome === undefined) remember(stored.stream, generation)
    continueWith(event, place, generation)
    return envelope !== undefined && metadata.generation > 1 ? checkReuse(event, envelope) : undefined
  }

  /** It carries the last generation on; what it names is compared with what is missing elsewhere. */
  function checkRemoval({ stored, metadata }: KeyEvent, place: number): void {
    const [generation, status] = [table.generation(place), table.status(place)]
    if (stored.type !== keyEventTypes.historyRemoved) findings.at(stored, 'removal', `a removal on a ${stored.type}`)
    if (BigInt(namedBy(stored).length) !== stored.revision) {
      findings.at(stored, 'removal', 'it does not name all events that stood before it on its stream')
    }
    if (status === generationStatus.open) findings.at(stored, 'removal', 'the history of a command that still runs')
    if (status !== generationStatus.none && metadata.generation !== generation) {
      findings.at(stored, 'generation', `generation ${metadata.generation} is removed, and ${generation} is the last`)
    }
    table.setGeneration(place, metadata.generation, generationStatus.released)
  }

  function inGeneration(event: KeyEvent, place: number): Promise<void> | undefined {
    const { stored, metadata } = event
    const isOpen = table.status(place) === generationStatus.open
    const known = openGenerations.get(stored.stream)
    if (known !== undefined) {
      continueWith(event, place, known)
      return undefined
    }
    // Behind an outcome only a release may stand: its result names the command.
    if (!isOpen && metadata.release === undefined) return undefined
    return readAgain(event).then((generation) => {
      if (generation === undefined) return
      if (isOpen) remember(stored.stream, generation)
      continueWith(event, place, generation)
    })
  }

  function continueWith(event: KeyEvent, place: number, generation: OpenGeneration): void {
    const { stored, metadata } = event
    const { outcome, release } = metadata
    if (release !== undefined) {
      end(event, place, generationStatus.released)
      report(event, generation, 'released')
      return
    }
    const bytes = generation.bytes
    continueGeneration(generation, event, findings)
    if (openGenerations.has(stored.stream)) openBytes += generation.bytes - bytes
    if (outcome === undefined) return
    end(event, place, generationStatus.resolved)
    checkOutcomeEvent(event, findings)
    if (isWanted(generation)) responses.checkResponse(event, generation, outcome)
    report(event, generation, outcome.kind)
  }

  function end({ stored, metadata }: KeyEvent, place: number, status: GenerationStatus): void {
    forget(stored.stream)
    if (table.status(place) === generationStatus.open) open -= 1
    table.setGeneration(place, metadata.generation, status)
  }

  const isWanted = ({ envelope }: OpenGeneration): boolean => tenant === undefined || envelope?.tenant === tenant

  function report(event: KeyEvent, generation: OpenGeneration, outcome: KeyResult['outcome']): void {
    const { envelope } = generation
    if (envelope !== undefined && isWanted(generation)) onResult({ event, envelope, outcome })
  }

  return {
    take,
    get open() {
      return open
    },
  }
}

const silent: Findings = {
  at: () => undefined,
  drift: () => undefined,
  add: () => undefined,
  listed: [],
  counts: {},
  corruptions: 0,
  drifts: 0,
}
