import type { CommandId, Fingerprint } from '../brands.ts'
import type { Resolution } from '../ports/command-transport.ts'

export type RecordedOutcome = Extract<Resolution, { kind: 'outcome' }>

interface Entry {
  readonly fingerprint: Fingerprint
  readonly outcome: RecordedOutcome
  readonly bytes: number
}

/** What an entry takes beside the body: keys, headers, the map's own. */
const overheadBytes = 700

/**
 * Outcomes of a moment ago, so that a storm of retries does not read the store for each. Nothing depends on it: what is
 * not here stands on the stream. Only for a process that alone writes to its store, as nobody tells it of other writers.
 */
export class OutcomeCache {
  readonly #maxBytes: number
  readonly #entries = new Map<CommandId, Entry>()
  #bytes = 0

  /** `maxBytes` is an estimate of the memory that it takes; 0 keeps nothing. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(commandId: CommandId): Entry | undefined {
    return this.#entries.get(commandId)
  }

  set(commandId: CommandId, fingerprint: Fingerprint, outcome: RecordedOutcome): void {
    const known = this.#entries.get(commandId)
    if (known !== undefined && known.outcome.generation > outcome.generation) return
    this.delete(commandId)
    const bytes = overheadBytes + outcome.response.body.length
    if (bytes > this.#maxBytes / 8) return
    this.#entries.set(commandId, { fingerprint, outcome, bytes })
    this.#bytes += bytes
    // The oldest first, used or not: moving an entry at each use would cost more than a look into the store now and then.
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return
      this.#entries.delete(oldest)
      this.#bytes -= entry.bytes
    }
  }

  delete(commandId: CommandId): void {
    const entry = this.#entries.get(commandId)
    if (entry === undefined) return
    this.#entries.delete(commandId)
    this.#bytes -= entry.bytes
  }
}
