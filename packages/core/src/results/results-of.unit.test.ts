import type { ResultEvent } from '@holdfast/contracts'
import { createWorld, testCommand, type TestProcess, type World } from '@holdfast/testing/command-process'
import { describe, expect, test } from 'vitest'
import { commandIdOfStream } from '../brands.ts'
import type { CommandEnvelope } from '../envelope.ts'
import { releaseKey } from '../key-state/release.ts'
import type { Resolution } from '../ports/command-transport.ts'
import { createStoreResultFeed } from './store-result-feed.ts'
import { resultsOf } from './results-of.ts'

interface Setting {
  readonly world: World
  readonly process: TestProcess
  readonly run: (envelope: CommandEnvelope) => Promise<Resolution>
  readonly release: () => Promise<unknown>
}

function setUp(options: Parameters<typeof testCommand>[1] = {}): Setting {
  const command = testCommand(({ body }) => ({ type: 'Made', data: { body } }), options)
  const world = createWorld({ commands: [command], clockSkewMs: 5_000 })
  const process = world.start()
  return {
    world,
    process,
    async run(envelope) {
      const { resolution } = process.handler.dispatch(envelope)
      await world.clock.runUntilIdle()
      return resolution
    },
    release: () => {
      const { tenant, key } = process.envelope()
      return releaseKey(
        { store: process.store, clock: world.clock, ids: world.ids },
        { tenant, key, reason: 'r', by: 'o' },
      )
    },
  }
}

/** What the history itself says, in order. */
async function recorded({ process }: Setting, count: number): Promise<readonly ResultEvent[]> {
  const results: ResultEvent[] = []
  const stop = new AbortController()
  for await (const batch of createStoreResultFeed({ store: process.store }).subscribe({ signal: stop.signal })) {
    results.push(...batch.results.map(({ event }) => event))
    if (results.length >= count) stop.abort()
  }
  return results
}

describe('what is published before a command counts as done', () => {
  test('its outcome, as the history has it', async () => {
    const setting = setUp()
    const envelope = setting.process.envelope()
    const results = await resultsOf(setting.process.store, envelope, await setting.run(envelope))
    expect(results).toEqual(await recorded(setting, 1))
    const again = setting.process.envelope()
    expect(await resultsOf(setting.process.store, again, await setting.run(again))).toEqual(results)
  })

  test('nothing, when nothing was decided', async () => {
    const setting = setUp()
    await setting.run(setting.process.envelope())
    const other = setting.process.envelope({ body: 'other' })
    expect(await resultsOf(setting.process.store, other, await setting.run(other))).toEqual([])
  })

  test('the release before it, so that the two come in order whoever follows releases', async () => {
    const setting = setUp()
    const { process, run, release } = setting
    await run(process.envelope())
    await release()
    const second = process.envelope({ body: 'other' })
    const results = await resultsOf(process.store, second, await run(second))
    expect(results).toEqual((await recorded(setting, 3)).slice(1))
    expect(results.map(({ data }) => [data.outcome, data.generation])).toEqual([
      ['released', 1],
      ['succeeded', 2],
    ])
  })

  test('no release where there was none: the key had expired', async () => {
    const { world, process, run } = setUp({ retentionMs: 1_000 })
    await run(process.envelope())
    await world.clock.advance(10_000)
    const second = process.envelope({ body: 'other' })
    const results = await resultsOf(process.store, second, await run(second))
    expect(results.map(({ id }) => id)).toEqual([`${commandIdOfStream(process.streamOf())}-2`])
  })
})

describe('an attempt that comes again, for its handler died before it could publish: one effect per key', () => {
  test('behind a release: its own outcome, not another execution', async () => {
    const { process, run, release } = setUp()
    const envelope = process.envelope()
    const first = await run(envelope)
    await release()
    expect(await run(envelope)).toEqual(first)
    expect(process.observed.decided).toHaveLength(1)
  })

  test('behind a release and another request: its own outcome and result, not those of the other', async () => {
    const setting = setUp()
    const { process, run, release } = setting
    const attempts = [process.envelope(), process.envelope({ body: 'other' }), process.envelope({ body: 'third' })]
    const firsts: Resolution[] = []
    for (const envelope of attempts) {
      firsts.push(await run(envelope))
      await release()
    }
    const published: ResultEvent[] = []
    for (const [at, envelope] of attempts.entries()) {
      const again = await run(envelope)
      expect(again).toEqual(firsts[at])
      published.push(...(await resultsOf(process.store, envelope, again)))
    }
    // The last release stands behind all commands: it comes from whoever follows releases.
    expect(published).toEqual((await recorded(setting, 6)).slice(0, 5))
    expect(process.observed.decided).toHaveLength(3)
  })
})
