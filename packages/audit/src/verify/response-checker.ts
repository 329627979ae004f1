import { canonicalJson, fingerprintOf, projectAgain, upcastEvent } from '@holdfast/core'
import type {
  App,
  Command,
  DomainEvent,
  JsonObject,
  OutcomeRecord,
  RecordedEnvelope,
  StoredResponse,
} from '@holdfast/core'
import type { Findings } from './findings.ts'
import type { KeyEvent, OpenGeneration } from './generation-checker.ts'

/** What the application says of outcomes. */
export interface ResponseChecker {
  /** The fingerprint that the recorded input has. */
  checkFingerprint(event: KeyEvent, envelope: RecordedEnvelope): void
  /** The response of an outcome, projected again. */
  checkResponse(event: KeyEvent, open: OpenGeneration, outcome: OutcomeRecord): void
  command(name: string): Command | undefined
  /** Responses that were projected again. */
  readonly projected: number
  /** Commands that the application does not have, by name, with their outcomes. */
  readonly unknown: ReadonlyMap<string, number>
}

/** Without an application nothing is projected, and every command is unknown. */
export function createResponseChecker(app: App | undefined, findings: Findings): ResponseChecker {
  const unknown = new Map<string, number>()
  let projected = 0
  const upcasts = app?.upcast ?? {}
  const hasUpcasts = Object.keys(upcasts).length > 0
  /** As projections read it: `respond` is written for the newest version. */
  const inNewestVersion = (event: DomainEvent): DomainEvent => {
    if (!hasUpcasts) return event
    const metadata = { version: event.version ?? 1 }
    const { data, version } = upcastEvent({ type: event.type, data: event.data, metadata }, upcasts)
    return { type: event.type, data, version }
  }
  const command = (name: string): Command | undefined => app?.command(name)
  return {
    command,
    get projected() {
      return projected
    },
    unknown,
    checkFingerprint: ({ stored, metadata }, envelope) => {
      const known = command(envelope.command)
      if (known === undefined) return
      let own: string
      try {
        own = fingerprintOf(
          known.name,
          known.fingerprint === undefined ? envelope.input : known.fingerprint(envelope.input),
        )
      } catch (error) {
        findings.drift(stored, 'fingerprint', `the command's fingerprint function fails: ${String(error)}`)
        return
      }
      if (own === metadata.fingerprint) return
      // Without a function of the application nothing but the input goes in: then one of the two was changed.
      if (known.fingerprint === undefined) {
        findings.at(stored, 'fingerprint', 'the fingerprint is not that of the recorded input')
      } else {
        findings.drift(stored, 'fingerprint', "the command's fingerprint function gives another fingerprint now")
      }
    },
    checkResponse: ({ stored }, open, outcome) => {
      const { envelope } = open
      if (envelope === undefined) return
      const known = command(envelope.command)
      if (known === undefined) {
        unknown.set(envelope.command, (unknown.get(envelope.command) ?? 0) + 1)
        return
      }
      projected += 1
      try {
        const { requestId } = envelope
        const events = open.decided.map(inNewestVersion)
        const now = projectAgain(known, { kind: outcome.kind, requestId, events })
        const difference = differenceOf(outcome.response, now)
        if (difference !== undefined) findings.drift(stored, 'response', `${envelope.command}: ${difference}`)
      } catch (error) {
        findings.drift(stored, 'response', `${envelope.command} cannot project a response any more: ${String(error)}`)
      }
    },
  }
}

/** The first difference, in words; undefined for none. */
export function differenceOf(recorded: StoredResponse, now: StoredResponse): string | undefined {
  if (recorded.status !== now.status) return `status ${recorded.status} is recorded, ${now.status} is projected now`
  for (const name of new Set([...Object.keys(recorded.headers), ...Object.keys(now.headers)])) {
    const [then, today] = [recorded.headers[name], now.headers[name]]
    if (then !== today) return `header ${name}: ${shown(then)} is recorded, ${shown(today)} is projected now`
  }
  if (recorded.body === now.body) return undefined
  const [then, today] = [jsonOf(recorded.body), jsonOf(now.body)]
  for (const name of new Set([...Object.keys(then), ...Object.keys(today)])) {
    if (textOf(then[name]) !== textOf(today[name])) {
      return `body, member "${name}": ${textOf(then[name])} is recorded, ${textOf(today[name])} is projected now`
    }
  }
  return 'the bodies differ in their bytes'
}

const maxShown = 80
const shown = (text: string | undefined): string => (text === undefined ? 'nothing' : JSON.stringify(text))

function textOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = canonicalJson(value as JsonObject)
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text
}

function jsonOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
