import { requestBytes } from '@holdfast/testing/http'
import { temporaryFolder, until } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { createApi, freshKey } from '../support/api.ts'
import { connectTo } from '../support/connection.ts'
import { startStandaloneProcess } from '../support/embedded.ts'
import { expectExecuted } from '../support/expectations.ts'
import { apps } from '../support/paths.ts'
import { readMetrics } from '../support/metrics.ts'

// Node's server takes all requests of a packet, whether or not the answers before them are read.
test('many requests in one packet, whose answers nobody reads, do not each take the memory of an answer', async () => {
  await using folder = await temporaryFolder()
  await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
  const api = createApi([service.url])
  const bytes = 600_000
  const large = { key: freshKey(), json: { bytes } }
  for (let n = 0; n < 3; n++) await api.post('/test/large', large)
  const server = { metricsUrls: [service.url] }
  const before = await readMetrics(server)
  const connections = await Promise.all([connectTo(service.url), connectTo(service.url)])
  const packet = Buffer.concat(new Array(250).fill(requestBytes(api.request('POST', '/test/large', large))))
  for (const { socket } of connections) {
    socket.pause()
    socket.write(packet)
  }
  const attempts = { command: 'test.large' }
  const answered = 400
  const after = await until(
    async () => {
      const now = await readMetrics(server)
      const count = now('holdfast_attempts_total', attempts) - before('holdfast_attempts_total', attempts)
      return count >= answered && now
    },
    { what: `${answered} answers` },
  )
  const grown = after('process_resident_memory_bytes') - before('process_resident_memory_bytes')
  expect(grown / bytes, 'answers that the memory grew by').toBeLessThan(answered / 4)
  for (const connection of connections) connection[Symbol.dispose]()
  expectExecuted(await api.post('/test/large', { ...large, key: freshKey() }))
})
