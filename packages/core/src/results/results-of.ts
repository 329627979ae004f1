import type { ResultEvent } from '@holdfast/contracts'
import { commandIdOf, streamOf, type StreamName } from '../brands.ts'
import type { CommandEnvelope } from '../envelope.ts'
import { readGeneration } from '../key-state/load.ts'
import { keyMetadata } from '../key-state/state.ts'
import type { Resolution } from '../ports/command-transport.ts'
import type { EventStore, RecordedEvent } from '../ports/event-store.ts'
import { outcomeResult, resultEventOf } from './result-event.ts'

const pageSize = 16

/**
 * What whoever has brought a command to its outcome publishes before that counts as done: the outcome, and before it the
 * release that made room for its generation, if there was one. Nobody else sees to it that these two come in order.
 *
 * Empty when nothing was decided. @throws EventStoreError
 */
export async function resultsOf(
  store: EventStore,
  envelope: CommandEnvelope,
  resolution: Resolution,
): Promise<readonly ResultEvent[]> {
  if (resolution.kind !== 'outcome') return []
  const { outcome: kind, generation, response, completedAtMs, expiresAtMs } = resolution
  const commandId = commandIdOf(envelope.tenant, envelope.key)
  const result = outcomeResult(
    { commandId, generation, origin: envelope },
    { kind, response, completedAtMs, expiresAtMs },
  )
  if (generation === 1) return [result]
  const before = await lastBefore(store, streamOf(commandId), generation)
  if (before === undefined || keyMetadata(before).release === undefined) return [result]
  const [first] = await readGeneration(store, before)
  const release = resultEventOf(before, first && keyMetadata(first).envelope)
  return release === undefined ? [result] : [release, result]
}

/** The last event before a generation; undefined when it is no longer there. */
async function lastBefore(
  store: EventStore,
  stream: StreamName,
  generation: number,
): Promise<RecordedEvent | undefined> {
  for (let from: bigint | undefined; from !== -1n;) {
    const page = await store.read(stream, {
      direction: 'backwards',
      maxCount: pageSize,
      ...(from !== undefined && { from }),
    })
    const found = page.find((event) => keyMetadata(event).generation < generation)
    if (found !== undefined) return found
    from = (page.at(-1)?.revision ?? 0n) - 1n
  }
  return undefined
}
