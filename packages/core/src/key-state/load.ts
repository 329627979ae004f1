import type { EventStore, RecordedEvent } from '../ports/event-store.ts'
import { endsGeneration, evolve, keyMetadata, vacant, type KeyState, type Resolved } from './state.ts'

const pageSize = 64

export interface LoadOptions {
  /** Also read the first event of a resolved generation, for its envelope. Default false: one event is enough to replay. */
  readonly withEnvelope?: boolean
}

/** Reads where a key stands: one event backwards, and more only while its generation is open (or the envelope is asked for). */
export async function loadKeyState(store: EventStore, stream: string, options: LoadOptions = {}): Promise<KeyState> {
  const [last] = await store.read(stream, { direction: 'backwards', maxCount: 1 })
  if (last === undefined) return vacant
  const metadata = keyMetadata(last)
  if (metadata.removal !== undefined) return evolve(vacant, last)
  if (metadata.envelope !== undefined || (endsGeneration(metadata) && options.withEnvelope !== true)) {
    return evolve(vacant, last)
  }
  return foldGeneration(await readGeneration(store, last))
}

/** The events of the generation that `last` ends, oldest first. */
export async function readGeneration(store: EventStore, last: RecordedEvent): Promise<readonly RecordedEvent[]> {
  const newestFirst: RecordedEvent[] = [last]
  let oldest = last
  while (keyMetadata(oldest).envelope === undefined && oldest.revision > 0n) {
    const page = await store.read(last.stream, {
      direction: 'backwards',
      from: oldest.revision - 1n,
      maxCount: pageSize,
    })
    for (const event of page) {
      newestFirst.push(event)
      oldest = event
      if (keyMetadata(event).envelope !== undefined) break
    }
    if (page.length === 0) break
  }
  return newestFirst.reverse()
}

/**
 * The outcome that this very attempt has had, also when later generations stand behind it. Looks back as far as
 * `sinceMs` (the store's clock): an attempt has no outcome from before it was made.
 */
export async function loadOutcomeOf(
  store: EventStore,
  stream: string,
  { attemptId, sinceMs }: { readonly attemptId: string; readonly sinceMs: number },
): Promise<Resolved | undefined> {
  for (let from: bigint | undefined; from !== -1n;) {
    const page = await store.read(stream, {
      direction: 'backwards',
      maxCount: pageSize,
      ...(from !== undefined && { from }),
    })
    for (const event of page) {
      const { attemptId: executed, outcome } = keyMetadata(event)
      const state = executed === attemptId && outcome !== undefined ? evolve(vacant, event) : vacant
      if (state.kind === 'resolved') return state
      if (event.recordedAtMs < sinceMs) return undefined
    }
    from = (page.at(-1)?.revision ?? 0n) - 1n
  }
  return undefined
}

function foldGeneration(events: readonly RecordedEvent[]): KeyState {
  return events.reduce<KeyState>(evolve, vacant)
}
