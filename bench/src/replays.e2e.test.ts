import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { wrkVersion } from './load/wrk.ts'
import { measureReplays } from './replays.ts'

const hasWrk = await wrkVersion().then(
  () => true,
  () => false,
)

test.skipIf(!hasWrk)('replays that a system executes anew are no measurement', async () => {
  const recorded = new Set(['known-0-1', 'known-0-2', 'known-0-3'])
  let placed = 0
  const server = createServer((request, response) => {
    const key = String(request.headers['idempotency-key'])
    if (!recorded.has(key)) placed++
    recorded.add(key)
    request.resume().once('end', () => response.end(key))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const system = { url, paths: {}, servers: [], effects: async () => placed }
    const load = { url, path: '/', body: '{}', keys: 3, connections: 2, seconds: 1 }
    expect((await measureReplays(system, { ...load, prefix: 'known' })).requests).toBeGreaterThan(0)
    await expect(measureReplays(system, { ...load, prefix: 'unknown' })).rejects.toThrow('placed 3 orders')
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
