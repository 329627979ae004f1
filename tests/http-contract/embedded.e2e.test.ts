import { describe, expect, test } from 'vitest'
import { anOrder, createApi, freshKey } from '../support/api.ts'
import { startEmbedded } from '../support/embedded.ts'
import { expectExecuted } from '../support/expectations.ts'
import { readMetrics } from '../support/metrics.ts'
import { describeHttpContract } from './suite.ts'
import { profiles } from './profiles.ts'

describeHttpContract('embedded', startEmbedded)
// Ordinary requests for commands pass Node's HTTP server and Fastify by; none that has this header does.
describeHttpContract("embedded, by way of Node's HTTP server", startEmbedded, { te: 'trailers' })

describe('the embedded runtime', () => {
  test('counts how many appends shared one commit', async () => {
    await using server = await startEmbedded(profiles.standard)
    const api = createApi(server.urls)
    const before = await readMetrics(server)
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => api.post('/api/order', { key: freshKey(), json: anOrder })),
    )
    for (const answer of answers) expectExecuted(answer)
    const after = await readMetrics(server)
    const grown = (name: string): number => after(name) - before(name)
    expect(grown('holdfast_append_batch_size_sum')).toBe(100)
    expect(grown('holdfast_append_batch_size_count')).toBeGreaterThan(0)
    expect(grown('holdfast_append_batch_size_count')).toBeLessThan(100)
    expect(grown('holdfast_append_batch_duration_seconds_count')).toBe(grown('holdfast_append_batch_size_count'))
  })
})
