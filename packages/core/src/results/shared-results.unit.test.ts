import { createMemoryEventStore } from '@holdfast/testing/memory-event-store'
import { recordCommand } from '@holdfast/testing/result-feed-contract'
import { describe, expect, test } from 'vitest'
import type { EventStore } from '../ports/event-store.ts'
import { shareResults } from './shared-results.ts'
import { createStoreResultFeed } from './store-result-feed.ts'

interface Consumer {
  readonly ids: string[]
  leave(): Promise<void>
}

/** A store that counts who subscribes to it. */
function counting(): { readonly store: EventStore; readonly open: () => number } {
  const store = createMemoryEventStore()
  let open = 0
  return {
    open: () => open,
    store: {
      ...store,
      async *subscribe(options) {
        open += 1
        try {
          yield* store.subscribe(options)
        } finally {
          open -= 1
        }
      },
    },
  }
}

function consume(feed: ReturnType<typeof shareResults>, hold?: () => Promise<void>): Consumer {
  const left = new AbortController()
  const ids: string[] = []
  const read = async (): Promise<void> => {
    for await (const { results } of feed.subscribe({ signal: left.signal })) {
      ids.push(...results.map(({ event }) => event.id))
      await hold?.()
    }
  }
  const ended = read()
  return {
    ids,
    async leave() {
      left.abort()
      await ended
    },
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 10_000) throw new Error('it does not come')
    await turn()
  }
}

describe('consumers that have caught up', () => {
  test('share one subscription, and the last one that leaves ends it', async () => {
    const { store, open } = counting()
    const feed = shareResults(createStoreResultFeed({ store }))
    const wanted = [await recordCommand(store).conclude()]
    const consumers = Array.from({ length: 5 }, () => consume(feed))
    await until(() => open() === 1 && consumers.every(({ ids }) => ids.length === 1))
    for (let at = 0; at < 50; at++) wanted.push(await recordCommand(store).conclude())
    await until(() => consumers.every(({ ids }) => ids.length >= wanted.length))
    for (const { ids } of consumers) expect(ids).toEqual(wanted)
    expect(open()).toBe(1)
    for (const consumer of consumers) await consumer.leave()
    await until(() => open() === 0)
    const again = consume(feed)
    await until(() => again.ids.length === wanted.length)
    expect(again.ids).toEqual(wanted)
    await again.leave()
  })

  test('one that falls behind what is kept reads on its own again: nothing is missing', async () => {
    const { store } = counting()
    const feed = shareResults(createStoreResultFeed({ store }))
    const quick = consume(feed)
    const gate = Promise.withResolvers<void>()
    let held = false
    const slow = consume(feed, () => {
      const first = !held && slow.ids.length > 0
      held ||= first
      return first ? gate.promise : Promise.resolve()
    })
    await turn()
    const wanted: string[] = []
    const command = recordCommand(store)
    for (let at = 0; at < 1_500; at++) wanted.push(await command.conclude())
    await until(() => quick.ids.length === wanted.length && held)
    gate.resolve()
    await until(() => slow.ids.length >= wanted.length)
    expect(slow.ids).toEqual(wanted)
    expect(quick.ids).toEqual(wanted)
    await Promise.all([quick.leave(), slow.leave()])
  })
})
