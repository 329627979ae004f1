import type { CommandId, Fingerprint } from '../brands.ts'
import type { Resolution } from '../ports/command-transport.ts'

export type RecordedOutcome = Extract<Resolution, { kind: 'outcome' }>

interface Entry {
  readonly fingerprint: Fingerprint
  readonly outcome: RecordedOutcome
}

/** What an entry takes beside the body: keys, headers, the map's own. */
const overheadBytes = 700

/**
 * Outcomes that retries have asked for of late, so that a storm of them does not read the store for each. Nothing depends
 * on it: what is not here stands on the stream. Only for a process that alone writes to its store, as nobody tells it of
 * other writers.
 *
 * In two halves: when the younger one is full it becomes the older one, and what was the older one is forgotten.
 */
export class OutcomeCache {
  readonly #halfBytes: number
  #young = new Map<CommandId, Entry>()
  #old = new Map<CommandId, Entry>()
  #youngBytes = 0

  /** `maxBytes` is an estimate of the memory that it takes; 0 keeps nothing. */
  constructor(maxBytes: number) {
    this.#halfBytes = maxBytes / 2
  }

  get(commandId: CommandId): Entry | undefined {
    return this.#young.get(commandId) ?? this.#old.get(commandId)
  }

  set(commandId: CommandId, fingerprint: Fingerprint, outcome: RecordedOutcome): void {
    const known = this.get(commandId)
    if (known !== undefined && known.outcome.generation > outcome.generation) return
    const bytes = overheadBytes + outcome.response.body.length
    if (bytes > this.#halfBytes / 4) {
      this.delete(commandId)
      return
    }
    this.#young.set(commandId, { fingerprint, outcome })
    this.#youngBytes += bytes
    if (this.#youngBytes <= this.#halfBytes) return
    this.#old = this.#young
    this.#young = new Map()
    this.#youngBytes = 0
  }

  delete(commandId: CommandId): void {
    this.#young.delete(commandId)
    this.#old.delete(commandId)
  }
}
