import { temporaryFolder } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anOrder } from '../support/api.ts'
import { startStandaloneProcess } from '../support/embedded.ts'
import { apps } from '../support/paths.ts'
import { streamEvents } from '../support/read-history.ts'
import { connect } from './kit.ts'

describe('the gateway is killed and started again in the middle of a call', () => {
  test('which waits, or follows, or arrives in between: one call, one effect, and the outcome', async () => {
    await using folder = await temporaryFolder()
    const start = () => startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    await using first = await start()
    await using kit = await connect({ urls: [first.url] }, { retry: { maxAttempts: 500, maxDelayMs: 200 } })
    const waiting = kit.client.send('test.slow', { label: 'waiting', ms: 700 }, { waitMs: 20_000 })
    const following = kit.client.send('test.slow', { label: 'following', ms: 700 }, { waitMs: 0 })
    await expect
      .poll(() => kit.proxy.requests.some(({ path }) => path.startsWith('/commands/')), { timeout: 15_000 })
      .toBe(true)
    const posts = kit.posts()
    first.kill('SIGKILL')
    await first.exited
    const arriving = kit.client.send('order.place', anOrder)
    await expect.poll(() => kit.posts(), { timeout: 15_000 }).toBeGreaterThan(posts + 2)
    await using second = await start()
    kit.proxy.retarget(second.url)
    for (const call of [waiting, following, arriving]) {
      const outcome = await call
      expect(outcome.kind).toBe('succeeded')
      const events = await streamEvents(folder.path, outcome.commandId)
      expect(
        events.filter(({ type }) => ['SlowDone', 'OrderPlaced'].includes(type)),
        'one effect',
      ).toHaveLength(1)
    }
    expect((await arriving).attempts).toBeGreaterThan(1)
    expect((await following).attempts, 'a durable 202 is only looked up').toBe(1)
    expect(kit.keys(), 'three calls, three keys').toHaveLength(3)
  })
})
