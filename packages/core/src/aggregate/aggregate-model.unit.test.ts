import { createManualClock, createTestIds } from '@holdfast/testing/clock'
import { createMemoryLog, openMemoryEventStore, type AppendFault } from '@holdfast/testing/memory-event-store'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Aggregates } from './aggregates.ts'
import { defineAggregate, reject, type Aggregate, type ExecuteResult } from './define-aggregate.ts'

/**
 * Random histories of processes that act on one aggregate: each step is begun once, by `first`, and perhaps gone on with
 * by others, `again`, while whoever had it before still sleeps on it. Everything that was told is held against the stream.
 */
type Act =
  | { readonly kind: 'begin'; readonly process: number; readonly take: number }
  /** Another worker goes on with step number `step`; `close` only sees to it that nothing more comes of it. */
  | { readonly kind: 'go on'; readonly process: number; readonly step: number; readonly turn: 'again' | 'close' }
  | { readonly kind: 'fault'; readonly process: number; readonly skip: number; readonly fault: AppendFault }
  | { readonly kind: 'pause' | 'resume' | 'crash' | 'outage'; readonly process: number }
  | { readonly kind: 'settle' }

const processes = 3
const anyProcess = fc.nat(processes - 1)
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('begin' as const),
      process: anyProcess,
      // Less than nothing is put back.
      take: fc.constantFrom(1, 1, 2, 3, -1, -2, 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('go on' as const),
      process: anyProcess,
      step: fc.nat(100),
      turn: fc.constantFrom('again' as const, 'again' as const, 'close' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      process: anyProcess,
      skip: fc.nat(2),
      fault: fc.constantFrom<AppendFault>(
        ...(['unavailable', 'unknown-written', 'unknown-not-written', 'crash-before', 'crash-after'] as const),
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'pause' as const,
        'resume' as const,
        'resume' as const,
        'crash' as const,
        'outage' as const,
      ),
      process: anyProcess,
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'settle' as const }) },
)

const stock = defineAggregate({
  name: 'stock',
  initial: Number(0),
  evolve: (left, event: { readonly type: 'Taken'; readonly data: { readonly n: number } }) => left - event.data.n,
  decide: (n: number, left) => {
    if (n === 0) return []
    return n > left ? reject(left) : ({ type: 'Taken', data: { n } } as const)
  },
  snapshotEvery: 3,
}) as unknown as Aggregate

class History {
  readonly clock = createManualClock(0)
  readonly ids = createTestIds()
  readonly log = createMemoryLog({ nowMs: () => this.clock.nowMs() })
  readonly running = Array.from({ length: processes }, () => this.start())
  readonly releases = new Map<number, () => void>()
  readonly begun: { readonly stepKey: string; readonly take: number; readonly after: number }[] = []
  /** Steps that have been taken over: what `first` came to was not recorded, and is not any more, see Steps. */
  readonly takenOver = new Set<string>()
  readonly told: {
    readonly step: { readonly stepKey: string; readonly take: number }
    readonly turn: 'first' | 'again' | 'close'
    readonly result: ExecuteResult
    /** How long the stream was when it was asked for, and when it was told. */
    readonly from: number
    readonly to: number
  }[] = []

  start() {
    const store = openMemoryEventStore(this.log)
    const { clock, ids } = this
    return { store, aggregates: new Aggregates({ store, clock, ids }) }
  }

  get length(): number {
    return this.log.events('stock-a').length
  }

  async take(next: Act): Promise<void> {
    if (next.kind === 'settle') {
      await this.clock.runUntilIdle()
      return
    }
    const target = this.running[next.process] ?? expect.fail('no such process')
    const { faults } = target.store
    switch (next.kind) {
      case 'begin': {
        const place = await Promise.race([
          target.aggregates.placeOf(stock, 'a').catch(() => undefined),
          this.clock.settle().then(() => undefined),
        ])
        if (place === undefined) break
        const step = { stepKey: this.ids.uuid(), take: next.take, after: place.after }
        this.begun.push(step)
        this.execute(target, step, 'first')
        break
      }
      case 'go on': {
        const step = this.begun[next.step % Math.max(1, this.begun.length)]
        if (step === undefined) break
        this.takenOver.add(step.stepKey)
        this.execute(target, step, next.turn)
        break
      }
      case 'fault':
        for (let each = 0; each < next.skip; each++) faults.beforeNextAppend(() => undefined)
        faults.failNextAppend(next.fault)
        break
      case 'pause':
        if (!this.releases.has(next.process)) this.releases.set(next.process, faults.holdAppends())
        break
      case 'resume':
        this.resume(next.process)
        break
      case 'crash':
        faults.crash()
        break
      case 'outage':
        faults.down = true
        this.clock.schedule(100, () => (faults.down = false))
        break
    }
    for (const [at, each] of this.running.entries()) {
      if (!each.store.faults.crashed) continue
      this.resume(at)
      this.running[at] = this.start()
    }
  }

  resume(process: number): void {
    this.releases.get(process)?.()
    this.releases.delete(process)
  }

  execute(
    { store, aggregates }: ReturnType<History['start']>,
    step: History['begun'][number],
    turn: 'first' | 'again' | 'close',
  ): void {
    const { stepKey, take, after } = step
    const from = this.length
    aggregates.execute(stock, 'a', { command: take, tenant: 't', stepKey, after, turn }).then(
      (result) => {
        if (!store.faults.crashed) this.told.push({ step, turn, result, from, to: this.length })
      },
      () => undefined,
    )
  }

  async end(): Promise<void> {
    await this.clock.runUntilIdle()
    for (let process = 0; process < processes; process++) this.resume(process)
    await this.clock.runUntilIdle()
    // What the stream came to after each event.
    const states: number[] = [0]
    const written = new Map<unknown, { readonly at: number; readonly type: string; readonly n: unknown }>()
    for (const [at, { type, data, metadata }] of this.log.events('stock-a').entries()) {
      const left = (states.at(-1) ?? 0) - Number(data['n'] ?? 0)
      expect(left, 'never taken what is not there').toBeGreaterThanOrEqual(0)
      states.push(left)
      expect(written.has(metadata['step_key']), 'each step once').toBe(false)
      written.set(metadata['step_key'], { at, type, n: data['n'] })
    }
    for (const each of this.told) {
      const { step, turn, result, from, to } = each
      if (turn === 'first' && this.takenOver.has(step.stepKey)) continue
      const about = JSON.stringify({ ...each, states, written: [...written] })
      const stands = written.get(step.stepKey)
      if (result.kind === 'done' && result.events.length > 0) {
        expect(stands, `told what is not there: ${about}`).toMatchObject({ type: 'Taken', n: step.take })
        continue
      }
      // What was told stays so: nobody writes it later.
      expect(stands?.type ?? 'nothing', about).not.toBe('Taken')
      if (result.kind === 'rejected' && stands === undefined) {
        // It was true at a moment between question and answer.
        const meanwhile = states.slice(from, to + 1)
        expect(meanwhile, about).toContain(result.reason)
        expect(Number(result.reason), about).toBeLessThan(step.take)
      }
    }
  }
}

/** `HOLDFAST_MODEL_RUNS=30000` looks for longer. */
const runs = Number(process.env['HOLDFAST_MODEL_RUNS'] ?? 300)

describe('what an aggregate has told stays so, whoever asks', () => {
  test('property: never oversold, each step once, a "no" is of the time of the question', async () => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 60 }), async (acts) => {
        const history = new History()
        for (const next of acts) await history.take(next)
        await history.end()
        for (const { turn, result } of history.told) {
          const kind = result.kind === 'done' && result.events.length === 0 ? 'nothing' : result.kind
          seen.set(`${turn} ${kind}`, (seen.get(`${turn} ${kind}`) ?? 0) + 1)
        }
        for (const { type } of history.log.events()) seen.set(type, (seen.get(type) ?? 0) + 1)
      }),
      { numRuns: runs },
    )
    for (const name of [
      ...['first done', 'first rejected', 'first nothing', 'again done', 'again rejected', 'again nothing'],
      ...['close done', 'close nothing', 'Taken', 'StepDecidedWithoutEvents', 'Snapshot'],
    ]) {
      expect(seen.get(name) ?? 0, name).toBeGreaterThan(0)
    }
  })
})
