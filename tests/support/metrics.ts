import { send } from '@holdfast/testing/http'
import { expect } from 'vitest'
import type { TestServer } from './server.ts'

/** Sum of a metric over all processes and over all series that carry these labels. */
export type MetricReader = (name: string, labels?: Readonly<Record<string, string>>) => number

/** Reads `/metrics` of all processes. */
export async function readMetrics(server: Pick<TestServer, 'metricsUrls'>): Promise<MetricReader> {
  const texts = await Promise.all(
    server.metricsUrls.map(async (url) => {
      const response = await send({ url, path: '/metrics' })
      expect(response.status).toBe(200)
      return response.body
    }),
  )
  const series = texts.flatMap((text) => text.split('\n').flatMap(parseLine))
  return (name, labels = {}) =>
    series
      .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .reduce((sum, one) => sum + one.value, 0)
}

interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A line of the Prometheus text format, without the escapes that our labels do not need. */
function parseLine(line: string): readonly Series[] {
  const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
  if (match === null) return []
  const [, name = '', labels = '', value = ''] = match
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="([^"]*)"/g)].map((pair) => [pair[1] ?? '', pair[2] ?? ''] as const)
  return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
}
