import { ReadStoreError, type ProjectionClaim, type ReadStore } from '@holdfast/core'
import { openFaultyLine } from '@holdfast/testing/kafka'
import { describeWithPostgres } from '@holdfast/testing/postgres'
import { until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { createPostgresReadStore, type PostgresReadStoreOptions } from './index.ts'
import { countCommit, readCount, wrongSnapshots } from './testing/counting.ts'
import { newSchema, run } from './testing/kit.ts'

describeWithPostgres(
  'a server that dies, and connections that break',
  (postgres) => {
    const open = (options: Partial<PostgresReadStoreOptions> = {}): ReadStore & AsyncDisposable => {
      const store = createPostgresReadStore({ url: postgres().url, schema: newSchema(), ...options })
      return { ...store, [Symbol.asyncDispose]: () => store.close() }
    }
    const claimCounted = async (store: ReadStore): Promise<{ claim: ProjectionClaim; position: bigint }> => {
      const result = await store.claim({ name: 'counted', version: 1, owner: 'one', leaseMs: 600_000 })
      if (result.kind !== 'claimed') throw new Error(`not claimed: ${result.kind}`)
      return result
    }
    /** Undefined while the server is away; every other fault fails the test. */
    const unlessAway = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await work()
      } catch (error) {
        expect(error).toBeInstanceOf(ReadStoreError)
        expect(error).toMatchObject({ code: 'unavailable', canRetry: true })
        return undefined
      }
    }

    /** As a projector does it: commits until one fails, then claims until that is answered. */
    async function project(store: ReadStore, until_: () => boolean): Promise<void> {
      let at: { claim: ProjectionClaim; position: bigint } | undefined
      let acknowledged = 0n
      while (!until_()) {
        at ??= await unlessAway(() => claimCounted(store))
        if (at === undefined) continue
        expect([acknowledged, acknowledged + 1n]).toContain(at.position)
        const { claim, position } = at
        acknowledged = position
        const result = await unlessAway(() => store.commit(claim, countCommit(position + 1n)))
        if (result === undefined) at = undefined
        else {
          expect(result).toEqual({ kind: 'committed', live: true })
          acknowledged = position + 1n
          at = { claim, position: acknowledged }
        }
      }
    }

    test('killed in the middle of batches and restarted: state and checkpoint agree, nothing acknowledged is lost', async () => {
      await using store = open()
      let done = false
      const projecting = project(store, () => done)
      try {
        for (let round = 1; round <= 4; round++) {
          const before = (await until(() => unlessAway(() => store.live('counted')), { what: 'it serves' })).position
          await until(
            async () => ((await unlessAway(() => store.live('counted')))?.position ?? 0n) > before + BigInt(round * 5),
            { what: 'commits go on', timeoutMs: 60_000 },
          )
          await postgres().kill()
          await postgres().restart()
        }
        const last = (await until(() => unlessAway(() => store.live('counted')), { what: 'it serves' })).position
        await until(async () => ((await store.live('counted'))?.position ?? 0n) > last + 3n, {
          what: 'commits go on',
          timeoutMs: 60_000,
        })
      } finally {
        done = true
        await projecting
      }
      const { position, counts } = await readCount(store)
      expect(counts).toEqual([String(position)])
      expect(await wrongSnapshots(store, position)).toEqual([])
    })

    test('a connection that breaks while nobody uses it is replaced', async () => {
      const warnings: string[] = []
      await using store = open({
        applicationName: 'idle-test',
        logger: { debug: () => undefined, warn: (_, message) => warnings.push(message) },
      })
      const { claim } = await claimCounted(store)
      await run(
        postgres().url,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'idle-test'`,
      )
      await until(() => warnings.length > 0, { what: 'it is noticed' })
      expect(await store.commit(claim, countCommit(1n))).toMatchObject({ kind: 'committed' })
    })

    test('an answer that is swallowed: the commit is unavailable, and the next claim tells that it happened', async () => {
      const { url } = postgres()
      await using line = await openFaultyLine(0, () => Number(new URL(url).port))
      const through = new URL(url)
      through.host = `127.0.0.1:${line.port}`
      await using store = open({ url: through.href })
      const { claim } = await claimCounted(store)
      await store.commit(claim, countCommit(1n))
      const swallowing = line.swallowAnswers(1_000)
      await expect(store.commit(claim, countCommit(2n))).rejects.toMatchObject({ code: 'unavailable', canRetry: true })
      await swallowing
      const again = await claimCounted(store)
      expect(again.position).toBe(2n)
      // What was on its way with the old claim can do nothing any more.
      expect(await store.commit(claim, countCommit(2n))).toEqual({ kind: 'fenced' })
      expect((await readCount(store)).counts).toEqual(['2'])
    })

    test('a server that hangs: calls end within their time', async () => {
      const { url } = postgres()
      await using line = await openFaultyLine(0, () => Number(new URL(url).port))
      const through = new URL(url)
      through.host = `127.0.0.1:${line.port}`
      await using store = open({ url: through.href, statementTimeoutMs: 200, connectTimeoutMs: 500 })
      await claimCounted(store)
      const swallowing = line.swallowAnswers(6_000)
      await expect(store.live('counted')).rejects.toMatchObject({ code: 'unavailable' })
      expect(await store.live('counted')).toMatchObject({ position: 0n })
      await swallowing
    })

    test('a lock that somebody else holds: the commit ends within its time and has not happened', async () => {
      const schema = newSchema()
      await using store = open({ schema, statementTimeoutMs: 300 })
      const { claim } = await claimCounted(store)
      const { default: pg } = await import('pg')
      const other = new pg.Client({ connectionString: postgres().url })
      await other.connect()
      await other.query(`BEGIN; LOCK TABLE "${schema}".documents`)
      await expect(store.commit(claim, countCommit(1n))).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('57014') as string,
      })
      await other.end()
      expect(await store.live('counted')).toMatchObject({ position: 0n })
      expect(await store.commit(claim, countCommit(1n))).toMatchObject({ kind: 'committed' })
    })

    test('more calls than connections wait their turn', async () => {
      await using store = open({ maxConnections: 2 })
      const { claim } = await claimCounted(store)
      await store.commit(claim, countCommit(1n))
      const pages = await Promise.all(Array.from({ length: 200 }, () => readCount(store)))
      expect(new Set(pages.map(({ position }) => position))).toEqual(new Set([1n]))
    })

    test('a server that is away from the start is waited for', async () => {
      await postgres().kill()
      await using store = open()
      await expect(store.live('counted')).rejects.toMatchObject({ code: 'unavailable' })
      await postgres().restart()
      expect(await store.live('counted')).toBeUndefined()
      await claimCounted(store)
    })
  },
  { killsServer: true },
)
