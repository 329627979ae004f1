import type { EventStore, RecordedEvent } from '../ports/event-store.ts'
import { evolve, keyMetadata, vacant, type KeyState } from './state.ts'

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
  if (metadata.envelope !== undefined || (metadata.outcome !== undefined && options.withEnvelope !== true)) {
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

function foldGeneration(events: readonly RecordedEvent[]): KeyState {
  return events.reduce<KeyState>(evolve, vacant)
}
