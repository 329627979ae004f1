import { join } from 'node:path'
import type { ReadStore } from '@holdfast/core'
import { describeWithPostgres } from '@holdfast/testing/postgres'
import { startService, until, type ServiceProcess } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { createPostgresReadStore } from './read-store.ts'
import { readCount, wrongSnapshots } from './testing/counting.ts'
import { newSchema } from './testing/kit.ts'

const entry = join(import.meta.dirname, 'testing/project-until-told.ts')

describeWithPostgres('projectors that die, and that only seemed to', (postgres) => {
  interface Scene extends AsyncDisposable {
    readonly store: ReadStore
    start(owner: string): Promise<ServiceProcess>
  }

  /** Short leases: the tests wait for them. */
  function setScene(leaseMs: number): Scene {
    const { url } = postgres()
    const schema = newSchema()
    const store = createPostgresReadStore({ url, schema })
    const processes: ServiceProcess[] = []
    return {
      store,
      async start(owner) {
        const env = { TEST_URL: url, TEST_SCHEMA: schema, TEST_OWNER: owner, TEST_LEASE_MS: String(leaseMs) }
        const started = await startService({ entry, env })
        processes.push(started)
        return started
      },
      async [Symbol.asyncDispose]() {
        await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()))
        await store.close()
      },
    }
  }

  const said = (one: ServiceProcess, msg: string): number[] =>
    one.log.lines.filter((line) => line['msg'] === msg).map((line) => Number(line['position']))

  const committedMore = (one: ServiceProcess, count: number): Promise<true> => {
    const before = said(one, 'committed').length
    return until(() => said(one, 'committed').length >= before + count, {
      what: `${count} more commits of ${one.pid}`,
      timeoutMs: 60_000,
    })
  }

  /** State and checkpoint agree, and nobody else writes: it can be said at any moment. */
  async function expectWhole(store: ReadStore): Promise<bigint> {
    const { position, counts } = await readCount(store)
    expect(counts).toEqual([String(position)])
    return position
  }

  test('kill -9 at any point: state and checkpoint agree, and another takes over where the dead one was', async () => {
    await using scene = setScene(300)
    let current = await scene.start('p0')
    for (let life = 1; life <= 6; life++) {
      await committedMore(current, 5 + ((life * 7) % 11))
      const next = await scene.start(`p${life}`)
      current.kill('SIGKILL')
      await current.exited
      const acknowledged = said(current, 'committed').at(-1) ?? 0
      await until(() => said(next, 'claimed').length > 0, { what: 'the next one takes over', timeoutMs: 60_000 })
      const from = said(next, 'claimed')[0] ?? -1
      // What was acknowledged is there; of what was under way, all or nothing.
      expect([acknowledged, acknowledged + 1]).toContain(from)
      current = next
    }
    await committedMore(current, 3)
    current.kill('SIGKILL')
    await current.exited
    const position = await expectWhole(scene.store)
    expect(await wrongSnapshots(scene.store, position)).toEqual([])
  })

  test('a paused projector that wakes cannot write, and its pause holds up nobody', async () => {
    await using scene = setScene(1_000)
    const [one, two] = [await scene.start('one'), await scene.start('two')]
    const pick = (): readonly [ServiceProcess, ServiceProcess] => {
      const last = (which: ServiceProcess): number => said(which, 'committed').at(-1) ?? 0
      return last(one) > last(two) ? [one, two] : [two, one]
    }
    for (let round = 0; round < 4; round++) {
      await until(() => said(one, 'committed').length + said(two, 'committed').length > round * 20 + 5, {
        what: 'somebody works',
        timeoutMs: 60_000,
      })
      const fencedBefore = new Map([one, two].map((each) => [each, said(each, 'fenced').length]))
      const [working, waiting] = pick()
      working.kill('SIGSTOP')
      // Not only the lease has to run out: no lock of the paused one may stand in the way.
      await committedMore(waiting, 3)
      working.kill('SIGCONT')
      await until(() => said(working, 'fenced').length > (fencedBefore.get(working) ?? 0), {
        what: 'the one that woke is refused',
        timeoutMs: 60_000,
      })
      await expectWhole(scene.store)
    }
    for (const each of [one, two]) {
      each.kill('SIGKILL')
      await each.exited
    }
    const position = await expectWhole(scene.store)
    // Each position was committed once, whoever did it.
    const all = [...said(one, 'committed'), ...said(two, 'committed')].sort((a, b) => a - b)
    expect(new Set(all).size).toBe(all.length)
    expect(Number(position)).toBeLessThanOrEqual((all.at(-1) ?? 0) + 1)
    expect(await wrongSnapshots(scene.store, position)).toEqual([])
  })
})
