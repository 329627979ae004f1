import { z } from 'zod'
import { openConnection, type Connection } from './connection.ts'

/** What a volley fires: exactly what `next` says, and every answer is looked at. wrk can do neither. */
export interface Volley {
  readonly url: string
  readonly path: string
  readonly body: string
  readonly connections: number
  /** The key of the next request; undefined when there are no more. */
  readonly next: () => string | undefined
}

export const volleyResult = z.object({
  requests: z.number(),
  requestsPerSecond: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  /** How many answers had which status; `broken` for none. */
  statuses: z.record(z.string(), z.number()),
  keys: z.number(),
  /** Keys under which 2xx answers with different bodies came. */
  keysWithSeveralBodies: z.number(),
})

export type VolleyResult = z.infer<typeof volleyResult>

/** Every connection sends its next request when the last one was answered. All are open before the first is sent. */
export async function fire(volley: Volley): Promise<VolleyResult> {
  const { url, path, body, next } = volley
  const connections = await Promise.all(Array.from({ length: volley.connections }, () => openConnection(url)))
  const latencies: number[] = []
  const statuses: Record<string, number> = {}
  const bodies = new Map<string, Set<string>>()
  const head = `POST ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nIdempotency-Key: `
  const count = (status: string): void => {
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  const run = async (opened: Connection): Promise<void> => {
    let connection = opened
    for (let key = next(); key !== undefined; key = next()) {
      const known = bodies.get(key) ?? new Set()
      bodies.set(key, known)
      const sent = performance.now()
      try {
        const response = await connection.send(`${head}${key}\r\n\r\n${body}`)
        latencies.push(performance.now() - sent)
        count(String(response.status))
        if (response.status < 300) known.add(response.body)
      } catch {
        count('broken')
        connection.close()
        connection = await openConnection(url)
      }
    }
    connection.close()
  }
  const started = performance.now()
  await Promise.all(connections.map(run))
  const seconds = (performance.now() - started) / 1000
  latencies.sort((a, b) => a - b)
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return {
    requests: latencies.length,
    requestsPerSecond: latencies.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    statuses,
    keys: bodies.size,
    keysWithSeveralBodies: [...bodies.values()].filter((each) => each.size > 1).length,
  }
}
