import { createHash, randomUUID } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { AppendResult, ExpectedRevision, NewEvent } from '@holdfast/core'

export type Append = (stream: string, events: readonly NewEvent[], expected: ExpectedRevision) => Promise<AppendResult>

export interface AppenderOptions {
  readonly appends: number
  /** Appenders that each wait for an answer before they append again. */
  readonly concurrency: number
  /** Work of the calling thread before each append, as an HTTP server has it; microseconds. */
  readonly busyUs: number
}

export interface AppenderResult {
  readonly perSecond: number
  /** All threads of the process. */
  readonly cpuUsPerAppend: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly loopDelayP99Ms: number
}

let streams = 0

/** Never the same name twice in one process; spread evenly, as hashes of keys are. */
export const freshStream = (): string =>
  `command-${createHash('sha256').update(`${process.pid} ${streams++}`).digest('hex')}`

/** An event as a pure command leaves it: about 900 bytes of data and metadata. */
export const commandEvent = (): NewEvent => ({
  id: randomUUID(),
  type: 'OrderPlaced',
  data: { order_id: randomUUID(), product_id: 'p-1234', quantity: 2, charge_id: `ch_${randomUUID()}` },
  metadata: {
    v: 1,
    generation: 1,
    fingerprint: 'f'.repeat(64),
    attemptId: randomUUID(),
    envelope: { command: 'order.place', tenant: 'default', input: { product_id: 'p-1234', quantity: 2 } },
    outcome: { kind: 'succeeded', response: { status: 201, headers: {}, body: 'x'.repeat(300) }, attempts: 1 },
  },
})

/** Closed loops of fresh keys against one append function. */
export async function runAppenders(append: Append, options: AppenderOptions): Promise<AppenderResult> {
  const { appends, concurrency, busyUs } = options
  const latencies: number[] = []
  let left = appends
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (left-- > 0) {
        spin(busyUs)
        const before = performance.now()
        const result = await append(freshStream(), [commandEvent()], 'no_stream')
        if (result.kind !== 'appended') throw new Error('a fresh key was taken')
        latencies.push(performance.now() - before)
      }
    }),
  )
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  loop.disable()
  latencies.sort((a, b) => a - b)
  return {
    perSecond: Math.round(appends / seconds),
    cpuUsPerAppend: Math.round((user + system) / appends),
    p50Ms: round(latencies[Math.floor(appends * 0.5)] ?? 0),
    p99Ms: round(latencies[Math.floor(appends * 0.99)] ?? 0),
    loopDelayP99Ms: round(loop.percentile(99) / 1e6),
  }
}

export const round = (value: number): number => Math.round(value * 100) / 100

function spin(us: number): void {
  const until = performance.now() + us / 1000
  while (performance.now() < until);
}
