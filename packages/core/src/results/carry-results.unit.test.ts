import type { ResultEvent } from '@holdfast/contracts'
import { createManualClock, type ManualClock } from '@holdfast/testing/clock'
import { createMemoryLog, openMemoryEventStore, type MemoryLog } from '@holdfast/testing/memory-event-store'
import { recordCommand } from '@holdfast/testing/result-feed-contract'
import { describe, expect, test } from 'vitest'
import { carryResults, type CarryResultsOptions } from './carry-results.ts'
import { createStoreResultFeed } from './store-result-feed.ts'

interface Carrier {
  readonly faults: unknown[]
  /** As a process that is told to end. */
  stop(): Promise<void>
}

function carry(
  log: MemoryLog,
  clock: ManualClock,
  options: Pick<CarryResultsOptions, 'publish'> & Partial<CarryResultsOptions>,
): Carrier {
  const store = openMemoryEventStore(log)
  const stopping = new AbortController()
  const faults: unknown[] = []
  const ended = carryResults({
    feed: createStoreResultFeed({ store }),
    checkpoints: store,
    name: 'test',
    clock,
    signal: stopping.signal,
    onFault: (error) => faults.push(error),
    ...options,
  })
  return {
    faults,
    async stop() {
      stopping.abort()
      await ended
    },
  }
}

async function history(log: MemoryLog, count: number): Promise<readonly string[]> {
  const store = openMemoryEventStore(log)
  const ids: string[] = []
  for (let at = 0; at < count; at++) ids.push(await recordCommand(store).conclude())
  return ids
}

const idsOf = (results: readonly ResultEvent[]): string[] => results.map(({ id }) => id)

describe('results are carried', () => {
  test('past and live, in order; the next process goes on where the last one ended', async () => {
    const [log, clock] = [createMemoryLog(), createManualClock(1_700_000_000_000)]
    const published: string[] = []
    const publish = (results: readonly ResultEvent[]): Promise<void> => {
      published.push(...idsOf(results))
      return Promise.resolve()
    }
    const past = await history(log, 3)
    const first = carry(log, clock, { publish })
    await clock.settle()
    const live = await history(log, 2)
    await clock.settle()
    await first.stop()
    const later = await history(log, 2)
    const second = carry(log, clock, { publish })
    await clock.settle()
    await second.stop()
    expect(published).toEqual([...past, ...live, ...later])
  })

  test('only what the filter lets through', async () => {
    const [log, clock] = [createMemoryLog(), createManualClock(1_700_000_000_000)]
    const published: string[] = []
    const carrier = carry(log, clock, {
      filter: { outcomes: ['released'] },
      publish: (results) => {
        published.push(...idsOf(results))
        return Promise.resolve()
      },
    })
    const command = recordCommand(openMemoryEventStore(log))
    await command.conclude()
    const id = await command.release()
    await clock.settle()
    await carrier.stop()
    expect(published).toEqual([id])
  })

  test('again, when they could not be published', async () => {
    const [log, clock] = [createMemoryLog(), createManualClock(1_700_000_000_000)]
    const ids = await history(log, 3)
    const published: string[] = []
    let tries = 0
    const carrier = carry(log, clock, {
      publish: (results) => {
        tries += 1
        if (tries < 3) return Promise.reject(new Error('the broker is away'))
        published.push(...idsOf(results))
        return Promise.resolve()
      },
    })
    await clock.settle()
    await clock.advance(10_000)
    expect(published).toEqual(ids)
    expect(carrier.faults).toHaveLength(2)
    await carrier.stop()
  })

  test('nothing is missed, wherever the process dies: first deliveries are in order, whatever comes twice', async () => {
    const ids: string[] = []
    const [log, clock] = [createMemoryLog(), createManualClock(1_700_000_000_000)]
    const published: string[] = []
    for (let life = 0; life < 12; life++) {
      ids.push(...(await history(log, 3)))
      let left = life % 5
      // It dies in the middle of a publication, or behind one and before the checkpoint is saved.
      const store = openMemoryEventStore(log)
      void carryResults({
        feed: createStoreResultFeed({ store }),
        checkpoints: {
          load: (name) => store.load(name),
          save: (name, position) => (life % 2 === 0 ? new Promise(() => undefined) : store.save(name, position)),
        },
        name: 'test',
        clock,
        signal: new AbortController().signal,
        onFault: () => undefined,
        publish: async (results) => {
          for (const id of idsOf(results)) {
            if (left-- <= 0) await new Promise(() => undefined)
            published.push(id)
          }
        },
      })
      await clock.settle()
    }
    const carrier = carry(log, clock, {
      publish: (results) => {
        published.push(...idsOf(results))
        return Promise.resolve()
      },
    })
    await clock.settle()
    await carrier.stop()
    expect([...new Set(published)]).toEqual(ids)
  })
})
