import { randomUUID } from 'node:crypto'
import type { EventData } from '@eventstore/db-client'
import { jsonEvent } from '@eventstore/db-client'
import type { Checkpoints } from '@holdfast/core'
import { EventStoreError } from '@holdfast/core'
import type { LooseAppender } from './loose-appender.ts'
import { checkpointStreamPrefix } from './own-streams.ts'
import type { StreamReader } from './stream-reader.ts'

const eventType = 'CheckpointSaved'

/**
 * Checkpoints in streams `holdfastcheckpoint-<name>`: one event a save, `$maxCount` 1, the last one counts. Saves of one
 * name are written one after the other, in the order of the calls.
 */
export function createCheckpoints(append: LooseAppender, reader: StreamReader): Checkpoints {
  const tails = new Map<string, Promise<unknown>>()
  return {
    async load(name) {
      const [last] = await reader.read(checkpointStreamPrefix + name, { direction: 'backwards', maxCount: 1 })
      if (!last) return undefined
      const saved = last.data['position']
      if (typeof saved !== 'string' || !/^\d+$/.test(saved)) {
        throw new EventStoreError('corrupt', `the checkpoint ${name} does not hold a position`)
      }
      return BigInt(saved)
    },
    save(name, position) {
      const event: EventData = jsonEvent({
        id: randomUUID(),
        type: eventType,
        data: { position: String(position) },
        metadata: {},
      })
      const before = tails.get(name) ?? Promise.resolve()
      const work = before
        .catch(() => undefined)
        .then(() => append({ stream: checkpointStreamPrefix + name, event, maxCount: 1 }))
      tails.set(name, work)
      const forget = (): void => {
        if (tails.get(name) === work) tails.delete(name)
      }
      work.then(forget, forget)
      return work
    },
  }
}
