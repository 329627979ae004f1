import { isDeepStrictEqual } from 'node:util'
import { auditGenerations, createWorld, testCommand, type AuditedGeneration } from '@holdfast/testing/command-process'
import type { TestProcess, World } from '@holdfast/testing/command-process'
import type { AppendFault } from '@holdfast/testing/memory-event-store'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineAggregate, reject } from '../aggregate/define-aggregate.ts'
import type { CommandContext } from '../command/context.ts'
import type { Refusal } from '../command/refusal.ts'
import type { StepRun } from '../command/step.ts'
import type { Resolution } from '../ports/command-transport.ts'
import { stableUuid } from './steps.ts'

/**
 * Random histories of commands with three steps: stock from an aggregate, a charge at a provider that honours step keys,
 * a label at one that does not. Several processes, crashes at every append, faults of store and providers, pauses. In
 * the end the ledgers, the aggregate's stream and the keys' streams are held against each other.
 */
type Step =
  | { readonly kind: 'order'; readonly process: number; readonly key: string; readonly body: Body }
  | { readonly kind: 'restock'; readonly n: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'fault'; readonly process: number; readonly faults: readonly AppendFault[]; readonly skip: number }
  /** What the next calls of a provider meet. */
  | { readonly kind: 'provider'; readonly meets: readonly Meets[] }
  | { readonly kind: 'pause' | 'resume' | 'crash' | 'close' | 'recover'; readonly process: number }
type Body = 'placed' | 'declined' | 'fails' | 'flaky'
type Meets = 'fine' | 'fails before' | 'fails after' | 'hangs' | 'is slow'

const processes = 3
const keys = ['k1', 'k2', 'k3', 'k4', 'k5', 'k6'] as const
const anyProcess = fc.nat(processes - 1)
const anyFault = fc.constantFrom<AppendFault>(
  ...(['unavailable', 'unknown-written', 'unknown-not-written', 'crash-before', 'crash-after'] as const),
)
const meets = fc.constantFrom<Meets>('fine', 'fails before', 'fails after', 'hangs', 'is slow')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      process: anyProcess,
      key: fc.constantFrom(...keys),
      body: fc.constantFrom<Body>('placed', 'placed', 'declined', 'fails', 'flaky'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restock' as const), n: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.oneof(fc.nat(50), fc.nat(2_000), fc.constant(5_000)),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      process: anyProcess,
      skip: fc.nat(6),
      faults: fc.array(anyFault, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('provider' as const),
      meets: fc.array(meets, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(...(['pause', 'resume', 'resume', 'crash', 'close', 'recover', 'recover'] as const)),
      process: anyProcess,
    }),
  },
)

const inventory = defineAggregate({
  name: 'inventory',
  initial: Number(0),
  evolve: (left, event: { readonly type: 'Added' | 'Reserved' | 'Released'; readonly data: { readonly n: number } }) =>
    event.type === 'Reserved' ? left - event.data.n : left + event.data.n,
  decide: ({ type, n }: { readonly type: 'reserve' | 'release'; readonly n: number }, left) => {
    if (type === 'release') return { type: 'Released', data: { n } } as const
    return n > left ? reject({ left }) : ({ type: 'Reserved', data: { n } } as const)
  },
  snapshotEvery: 7,
})
const quick = { attempts: 2, initialDelayMs: 10, maxDelayMs: 20, timeoutMs: 300 }

class History {
  readonly world: World
  readonly running: TestProcess[] = []
  readonly releases = new Map<TestProcess, () => void>()
  readonly told: { readonly key: string; readonly resolution: Resolution }[] = []
  /** Effects at each provider, by what its caller sent as the key; `label` counts every call. */
  readonly charges = new Map<string, number>()
  readonly refunds = new Map<string, number>()
  readonly labels = new Map<string, number>()
  /** Keys that a provider has failed under. */
  readonly troubled = new Set<string>()
  upcoming: Meets[] = []
  tries = 0
  restocked = 0

  constructor() {
    const handle = async (
      body: string,
      ctx: CommandContext<'test-refused'>,
    ): Promise<Refusal | { type: string; data: { id: string } }> => {
      const flaky = body === 'flaky' && ++this.tries % 2 === 1
      const stock = await ctx.execute(inventory, 'abc', {
        step: 'stock',
        command: { type: 'reserve', n: 2 },
        undo: ([event]) => ({ type: 'release', n: event?.data.n ?? Number.NaN }),
      })
      if (stock.kind === 'rejected') return ctx.refuse('test-refused', 'Out of stock.')
      await ctx.step('charge', (run) => this.call(run, () => this.charges.set(run.key, 1)), {
        retry: quick,
        undo: (_result, run) => this.call(run, () => this.refunds.set(run.key, 1)),
      })
      if (flaky) throw new Error('this try fails')
      if (body === 'declined') return ctx.refuse('test-refused', 'Declined.')
      await ctx.step(
        'label',
        (run) => this.call(run, () => this.labels.set(ctx.id, (this.labels.get(ctx.id) ?? 0) + 1)),
        { retry: quick, atMostOnce: true },
      )
      if (body === 'fails') throw new Error('every try fails')
      return { type: 'Placed', data: { id: ctx.id } }
    }
    const command = testCommand(({ body }, ctx) => handle(body, ctx), {
      retentionMs: 4_000,
      retry: { attempts: 3, initialDelayMs: 20, maxDelayMs: 50, timeoutMs: 1_000 },
    })
    this.world = createWorld({ commands: [command] })
    this.restock(5)
    for (let at = 0; at < processes; at++) this.running[at] = this.world.start({ graceMs: 200 })
  }

  async call(run: StepRun, effect: () => void): Promise<void> {
    const how = this.upcoming.shift() ?? 'fine'
    if (how === 'is slow') await this.world.clock.sleep(100)
    else if (how !== 'fine') this.troubled.add(run.key)
    if (how === 'fails before') throw new Error('the provider refuses the connection')
    effect()
    if (how === 'fails after') throw new Error('the connection broke')
    if (how === 'hangs') await new Promise<void>((resolve) => run.signal.addEventListener('abort', () => resolve()))
  }

  restock(n: number): void {
    this.restocked += n
    const { log, ids } = this.world
    const revision = BigInt(log.events('inventory-abc').length) - 1n
    const event = { id: ids.uuid(), type: 'Added', data: { n }, metadata: { v: 1 } }
    log.append('inventory-abc', [event], revision < 0n ? 'no_stream' : revision)
  }

  async take(next: Step): Promise<void> {
    const { clock } = this.world
    if (next.kind === 'advance') await clock.advance(next.ms)
    else if (next.kind === 'restock') this.restock(next.n)
    else if (next.kind === 'provider') this.upcoming = [...next.meets]
    else this.takeAt(next, this.running[next.process] ?? expect.fail('no such process'))
    await clock.settle()
    for (const [at, each] of this.running.entries()) {
      if (each.store.faults.crashed) this.running[at] = this.world.start({ graceMs: 200 })
    }
  }

  takeAt(next: Extract<Step, { readonly process: number }>, target: TestProcess): void {
    const { faults } = target.store
    switch (next.kind) {
      case 'order': {
        const { key, body } = next
        target.dispatch({ key, body }).resolution.then(
          (resolution) => {
            if (!faults.crashed) this.told.push({ key, resolution })
          },
          () => undefined,
        )
        break
      }
      case 'fault':
        for (let each = 0; each < next.skip; each++) faults.beforeNextAppend(() => undefined)
        for (const fault of next.faults) faults.failNextAppend(fault)
        break
      case 'pause':
        if (!this.releases.has(target)) this.releases.set(target, faults.holdAppends())
        break
      case 'resume':
        this.resume(target)
        break
      case 'crash':
        faults.crash()
        break
      case 'close':
        void target.handler.close().then(() => target.store.close())
        this.running[next.process] = this.world.start({ graceMs: 200 })
        break
      case 'recover':
        void target.recover().catch(() => undefined)
        break
    }
  }

  resume(target: TestProcess): void {
    this.releases.get(target)?.()
    this.releases.delete(target)
  }

  /** A process finishes what is left while others sleep; they wake up, come to an end and die; another finishes the rest. */
  async end(): Promise<void> {
    const { clock } = this.world
    this.upcoming = []
    await this.finish()
    for (const target of [...this.releases.keys()]) this.resume(target)
    await clock.runUntilIdle()
    for (const each of this.running) each.store.faults.crash()
    const survivor = await this.finish()
    this.checkStock()
    const outcomes = keys.flatMap((key) => auditGenerations(this.world.log.events(survivor.streamOf({ key }))))
    for (const generation of outcomes) this.check(generation)
    for (const { key, resolution } of this.told) this.checkTold(survivor, key, resolution)
    for (const [id, count] of this.labels) expect(count, `labels of ${id}`).toBe(1)
    const placed = outcomes.filter(({ outcome }) => outcome?.kind === 'succeeded').length
    const left = this.stock().reduce((sum, { n }) => sum + n, 0)
    const incomplete = outcomes.some(({ events }) => isFlagged(events.at(-1)?.data))
    if (!incomplete) expect(left, 'what is reserved is what was ordered').toBe(this.restocked - 2 * placed)
  }

  async finish(): Promise<TestProcess> {
    const process = this.world.start()
    const recovered = process.recover()
    await this.world.clock.runUntilIdle()
    await recovered
    return process
  }

  stock(): { readonly key: unknown; readonly type: string; readonly n: number }[] {
    return this.world.log.events('inventory-abc').map(({ type, data, metadata }) => {
      const n = Number(data['n'] ?? 0)
      return { key: metadata['step_key'], type, n: type === 'Reserved' ? -n : n }
    })
  }

  checkStock(): void {
    let left = 0
    const seen = new Set<unknown>()
    for (const { key, n } of this.stock()) {
      left += n
      expect(left, 'never sold what is not there').toBeGreaterThanOrEqual(0)
      if (key !== undefined) expect(seen, 'each step once').not.toContain(key)
      seen.add(key)
    }
  }

  check({ generation, events, outcome, attemptId }: AuditedGeneration): void {
    const last = events.at(-1)
    const about = JSON.stringify(events.map(({ type, data }) => [type, data]))
    expect(outcome, `every accepted key resolves: ${about}`).toBeDefined()
    expect(JSON.stringify(last?.data), about).not.toMatch(/it asks|it decide/)
    const commandId = last?.stream.slice('command-'.length) ?? ''
    const keyOf = (what: 'step' | 'undo', name: string): string => stableUuid(what, commandId, String(generation), name)
    const completed = events.flatMap(({ type, data }) => (type === 'StepCompleted' ? [data['step']] : []))
    const undone = events.flatMap(({ type, data }) => (type === 'StepUndone' ? [data['step']] : []))
    expect(new Set(completed).size, about).toBe(completed.length)
    const inReverse = completed.filter((name) => undone.includes(name)).reverse()
    // One that could not be undone, and was tried again after a crash, is undone behind those before it.
    const known = this.troubled.has(keyOf('undo', 'charge')) ? undone.toSorted() : undone
    expect(known, `undone once, in reverse: ${about}`).toEqual(known === undone ? inReverse : inReverse.toSorted())
    if (isFlagged(last?.data)) {
      if (last?.data['compensation'] === undefined) return
      const left = last.data['not_undone'] as readonly string[]
      const undoable = completed.filter((name) => name === 'charge' || (name === 'stock' && hasReserved(events)))
      const settled: readonly unknown[] = [...undone, ...left]
      for (const name of undoable) expect(settled, `undone, or named as left: ${about}`).toContain(name)
      expect(
        left.filter((name) => undone.includes(name)),
        about,
      ).toEqual([])
      return
    }
    const stock = this.stock().filter(({ key }) => key === keyOf('step', 'stock') || key === keyOf('undo', 'stock'))
    const net = stock.reduce((sum, { n }) => sum + n, 0)
    const charged = this.charges.has(keyOf('step', 'charge'))
    const refunded = this.refunds.has(keyOf('undo', 'charge'))
    if (outcome?.kind === 'succeeded') {
      expect({ net, charged, refunded, undone }, about).toEqual({ net: -2, charged: true, refunded: false, undone: [] })
      expect(this.labels.get(attemptId), about).toBe(1)
    } else {
      expect({ net, refunded }, about).toEqual({ net: 0, refunded: completed.includes('charge') })
    }
  }

  checkTold(survivor: TestProcess, key: string, resolution: Resolution): void {
    if (resolution.kind !== 'outcome') return expect(resolution.kind).toBe('reused')
    const generations = auditGenerations(this.world.log.events(survivor.streamOf({ key })))
    const recorded = generations.find(({ outcome }) => isDeepStrictEqual(outcome?.response, resolution.response))
    expect(recorded, `told what is not recorded: ${JSON.stringify(resolution)}`).toBeDefined()
  }
}

/** True when the stock's step had events. */
const hasReserved = (events: AuditedGeneration['events']): boolean =>
  events.some(({ data }) => data['step'] === 'stock' && JSON.stringify(data['result'] ?? null).includes('Reserved'))

/** An operator has to look at it. */
function isFlagged(data: object | undefined): boolean {
  return data !== undefined && ('compensation' in data || 'indeterminate' in data)
}

/** `HOLDFAST_MODEL_RUNS=10000` looks for longer. */
const runs = Number(process.env['HOLDFAST_MODEL_RUNS'] ?? 150)

describe('one effect per step, whatever happens', () => {
  test('property: stock, charge, and a label at most once', { timeout: 120_000 }, async () => {
    const seen = new Map<string, number>()
    const count = (name: string): unknown => seen.set(name, (seen.get(name) ?? 0) + 1)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
        const history = new History()
        for (const next of steps) await history.take(next)
        await history.end()
        for (const { type, data } of history.world.log.events()) {
          count(type)
          for (const flag of ['compensation', 'indeterminate']) if (flag in data) count(flag)
        }
      }),
      { numRuns: runs },
    )
    // The histories are worth something only if they come to all of this.
    for (const name of [
      ...['CommandAccepted', 'AttemptFailed', 'StepStarted', 'StepCompleted', 'CompensationStarted', 'StepUndone'],
      ...['Placed', 'CommandRejected', 'CommandFailed', 'Snapshot', 'Reserved', 'Released'],
      ...['StepDecidedWithoutEvents', 'compensation', 'indeterminate'],
    ]) {
      expect(seen.get(name) ?? 0, name).toBeGreaterThan(0)
    }
  })
})
