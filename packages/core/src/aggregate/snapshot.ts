import type { JsonValue } from '../json.ts'
import type { Ids } from '../ports/clock.ts'
import type { EventStore } from '../ports/event-store.ts'

/** An aggregate's state as of a revision of its stream. */
export interface Snapshot {
  readonly state: JsonValue
  readonly revision: bigint
  /** Of the aggregate's definition: another is ignored. */
  readonly version: number
}

/** Snapshots of `inventory-abc` stand on `snapshot-inventory-abc`; the last one counts. */
const snapshotStream = (stream: string): string => `snapshot-${stream}`

export async function loadSnapshot(store: EventStore, stream: string, version: number): Promise<Snapshot | undefined> {
  const [last] = await store.read(snapshotStream(stream), { direction: 'backwards', maxCount: 1 })
  if (last?.data['version'] !== version) return undefined
  return { state: last.data['state'] ?? null, revision: BigInt(Number(last.data['revision'])), version }
}

/** Writes a snapshot after the last one; when another process does so at the same time, one of both is enough. */
export async function saveSnapshot(
  deps: { readonly store: EventStore; readonly ids: Ids },
  stream: string,
  snapshot: Snapshot,
): Promise<void> {
  const name = snapshotStream(stream)
  const [last] = await deps.store.read(name, { direction: 'backwards', maxCount: 1 })
  if (last?.data['version'] === snapshot.version && BigInt(Number(last.data['revision'])) >= snapshot.revision) return
  const data = { state: snapshot.state, revision: Number(snapshot.revision), version: snapshot.version }
  await deps.store.append(
    name,
    [{ id: deps.ids.uuid(), type: 'Snapshot', data, metadata: { v: 1 } }],
    last?.revision ?? 'no_stream',
  )
}
