import { describe, expect, test } from 'vitest'
import { bySubject, collect, idsOf, recordCommand, within } from './kit.ts'
import type { ResultFeedContractFactory } from './subject.ts'

/** Past, live, resumed, ended. */
export function describeProgress(factory: ResultFeedContractFactory): void {
  describe('progress', () => {
    test('first the past, then live, in the order of each key', async () => {
      await using subject = await factory.open()
      const { store, feed } = subject
      const commands = Array.from({ length: 5 }, () => recordCommand(store))
      const ids: string[] = []
      for (const command of commands) ids.push(await command.conclude())
      let live = 0
      const results = await collect(feed, {
        count: 15,
        onBatch: async ({ caughtUp }) => {
          if (!caughtUp || live === 5) return
          const command = commands[live++]
          if (command !== undefined) ids.push(await command.release(), await command.conclude('failed'))
        },
      })
      expect(idsOf(results).sort()).toEqual(ids.toSorted())
      for (const { stream } of commands) {
        const subjectId = stream.slice('command-'.length)
        expect(bySubject(results.map(({ event }) => event)).get(subjectId)).toEqual([
          `${subjectId}-1`,
          `${subjectId}-1-released`,
          `${subjectId}-2`,
        ])
      }
    })

    test('after every place: what comes behind it, and nothing is missing', async () => {
      await using subject = await factory.open()
      const { store, feed } = subject
      const commands = Array.from({ length: 4 }, (_, at) => recordCommand(store, { command: `c${at}` }))
      let count = 0
      for (let round = 0; round < 3; round++) {
        // Some begin before others end: the origin of a result stands before the place from which it is read.
        for (const command of commands) await command.accept()
        for (const command of commands.toReversed()) {
          await command.conclude(round === 1 ? 'rejected' : 'succeeded', 1 + round)
          count += 1
          if (round === 0) await command.release()
          if (round === 0) count += 1
        }
      }
      const all = await collect(feed, { count })
      expect(all).toHaveLength(count)
      const other = await subject.reopen()
      for (const [at, { place }] of all.entries()) {
        const rest = all.slice(at + 1).map(({ event }) => event)
        const wanted = await collect(at % 2 === 0 ? feed : other, {
          after: place,
          ...(rest.length > 0 ? { count: rest.length } : { until: ({ caughtUp }) => caughtUp }),
        })
        const given = wanted.map(({ event }) => event)
        expect(bySubject(given)).toEqual(bySubject(rest))
        expect(new Map(given.map((event) => [event.id, event]))).toEqual(
          new Map(rest.map((event) => [event.id, event])),
        )
      }
    })

    test('more results than a batch holds: all of them, in order', async () => {
      await using subject = await factory.open()
      const { store, feed } = subject
      const command = recordCommand(store)
      const ids: string[] = []
      for (let at = 0; at < 700; at++) ids.push(await command.conclude())
      expect(idsOf(await collect(feed, { count: ids.length }))).toEqual(ids)
    })

    test('consumers do not disturb each other: one that takes its time, one that leaves', async () => {
      await using subject = await factory.open()
      const { store, feed } = subject
      const ids: string[] = []
      for (let at = 0; at < 30; at++) ids.push(await recordCommand(store).conclude())
      const slow = collect(feed, {
        count: 31,
        onBatch: () => new Promise((resolve) => setTimeout(resolve, 20)),
      })
      const fast = collect(feed, { count: 31 })
      await collect(feed, { count: 1 })
      ids.push(await recordCommand(store).conclude())
      for (const results of [await slow, await fast]) expect(idsOf(results).sort()).toEqual(ids.toSorted())
    })

    test('ends when the signal fires, also while it waits', async () => {
      await using subject = await factory.open()
      const { feed } = subject
      const stop = new AbortController()
      const ended = (async () => {
        for await (const { caughtUp } of feed.subscribe({ signal: stop.signal })) {
          if (caughtUp) setTimeout(() => stop.abort(), 20)
        }
      })()
      await within('the end', ended)
      await within('the end of one that never began', collect(feed, { until: () => true }))
    })
  })
}
