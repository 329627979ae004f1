import { commandIdOfStream, tenantOf, type EventStore, type RecordedEvent, type Tenant } from '@holdfast/core'

const pageSize = 64
/** Streams whose owner is remembered. */
const maxKnown = 1_000

/**
 * Tells whose events of commands are that do not say so themselves: those that were recorded before events carried their
 * tenant. A key is one tenant's, so the nearest envelope before it on its stream tells.
 */
export class EventOwners {
  readonly #events: EventStore
  readonly #known = new Map<string, Tenant>()

  constructor(events: EventStore) {
    this.#events = events
  }

  /** The events, with the tenant in their metadata wherever it can be told. @throws EventStoreError */
  async tell(events: readonly RecordedEvent[]): Promise<readonly RecordedEvent[]> {
    if (!events.some(isSilent)) return events
    const told: RecordedEvent[] = []
    for (const event of events) {
      const tenant = isSilent(event) ? await this.#ownerOf(event) : undefined
      told.push(tenant === undefined ? event : { ...event, metadata: { ...event.metadata, tenant } })
    }
    return told
  }

  async #ownerOf({ stream, revision }: RecordedEvent): Promise<Tenant | undefined> {
    const known = this.#known.get(stream)
    if (known !== undefined) return known
    for (let from = revision - 1n; from >= 0n; from -= BigInt(pageSize)) {
      const page = await this.#events.read(stream, { direction: 'backwards', from, maxCount: pageSize })
      const tenant = page.map(tenantOf).find((found) => found !== undefined)
      if (tenant !== undefined) {
        const [oldest] = this.#known.keys()
        if (this.#known.size >= maxKnown && oldest !== undefined) this.#known.delete(oldest)
        this.#known.set(stream, tenant)
        return tenant
      }
      if (page.length < pageSize) return undefined
    }
    return undefined
  }
}

/** On a key's stream, and without a word of its tenant. */
const isSilent = ({ stream, metadata }: RecordedEvent): boolean =>
  metadata['tenant'] === undefined && metadata['envelope'] === undefined && commandIdOfStream(stream) !== undefined
