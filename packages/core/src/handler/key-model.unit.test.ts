import { isDeepStrictEqual } from 'node:util'
import {
  auditGenerations,
  createWorld,
  testCommand,
  type AuditedGeneration,
  type TestCommandOptions,
  type TestProcess,
  type TestRequest,
  type World,
} from '@holdfast/testing/command-process'
import type { AppendFault } from '@holdfast/testing/memory-event-store'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Answer } from '../gateway/answer.ts'

/**
 * Random histories of several processes on one store: attempts, crashes at every append, faults, pauses, shut-downs,
 * clocks that differ, expiries. After each step everything settles; every answer is held against the log as it stands at
 * that moment, and the log against its rules.
 */
type Step =
  | {
      readonly kind: 'attempt'
      readonly process: number
      readonly key: string
      readonly body: string
      readonly waitMs: number
    }
  | { readonly kind: 'advance'; readonly ms: number }
  /** How long the command takes from now on, and how many of its next tries fail. */
  | { readonly kind: 'pace'; readonly takesMs: number; readonly failures: number }
  | { readonly kind: 'fault'; readonly process: number; readonly fault: AppendFault }
  | { readonly kind: 'outage'; readonly process: number; readonly ms: number }
  /** The process stands still before its next write, and wakes later: a zombie, if others have gone on. */
  | { readonly kind: 'pause' | 'resume'; readonly process: number }
  | { readonly kind: 'crash' | 'close' | 'recover'; readonly process: number }

const processes = 3
const retentionMs = 10_000
const marginMs = 200
/** Closer together, no request refuses another as superseded. */
const simultaneousMs = 1_000
/** No two of these (the last one is the store's) are further apart than the margin. */
const [skewsMs, storeSkewMs] = [[0, 150, -50], 100] as const

const anyProcess = fc.nat(processes - 1)
const anyFault = fc.constantFrom<AppendFault>(
  ...(['unavailable', 'unknown-written', 'unknown-not-written', 'crash-before', 'crash-after'] as const),
)
const attempt = fc.record({
  kind: fc.constant('attempt' as const),
  process: anyProcess,
  key: fc.constantFrom('k1', 'k1', 'k1', 'k2'),
  body: fc.constantFrom('a', 'a', 'a', 'b'),
  waitMs: fc.constantFrom(0, 20, 2_000, 60_000),
})
const advance = fc.record({
  kind: fc.constant('advance' as const),
  ms: fc.oneof(fc.nat(200), fc.nat(3_000), fc.integer({ min: retentionMs - 500, max: retentionMs + 1_000 })),
})
const outage = fc.record({ kind: fc.constant('outage' as const), process: anyProcess, ms: fc.constantFrom(30, 3_000) })
const at = <Kind extends 'pause' | 'resume' | 'crash' | 'close' | 'recover'>(...kinds: Kind[]) =>
  fc.record({ kind: fc.constantFrom(...kinds), process: anyProcess })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: attempt },
  { weight: 6, arbitrary: advance },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('pace' as const),
      takesMs: fc.constantFrom(0, 50, 1_500),
      failures: fc.nat(4),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('fault' as const), process: anyProcess, fault: anyFault }) },
  { weight: 1, arbitrary: outage },
  { weight: 3, arbitrary: at('pause', 'resume') },
  { weight: 3, arbitrary: at('crash', 'close', 'recover') },
)

interface Attempt {
  readonly request: TestRequest & { readonly key: string; readonly requestId: string }
  readonly by: TestProcess
  readonly submittedAtMs: number
  /** The key's last generation at that time. */
  readonly met: AuditedGeneration | undefined
}

/** Gateway and handler: who reads the stream first. The third is how a gateway dispatches while most keys are new. */
const looks = fc.constantFrom(
  { readFirst: false, expectFresh: false },
  { readFirst: true, expectFresh: true },
  { readFirst: false, expectFresh: true },
)

class History {
  readonly world: World
  readonly options: TestCommandOptions
  readonly running: TestProcess[] = []
  readonly started: TestProcess[] = []
  readonly releases = new Map<TestProcess, () => void>()
  readonly submitted: Attempt[] = []
  readonly answers: { readonly attempt: Attempt; readonly answer: Answer }[] = []
  readonly acknowledged: { readonly key: string; readonly generation: number }[] = []
  readonly violations: unknown[] = []
  readonly looks: object
  takesMs = 0
  failures = 0
  disturbed = false
  recovered = false
  paused = false

  constructor(options: TestCommandOptions, looks: object) {
    this.options = options
    this.looks = looks
    const command = testCommand(
      (input, ctx) => {
        if (this.failures > 0) {
          this.failures--
          throw new Error('this try fails')
        }
        const event = { type: 'Made', data: { body: input.body, id: ctx.id, random: ctx.random() } }
        return this.takesMs === 0 ? event : this.world.clock.sleep(this.takesMs).then(() => event)
      },
      { retentionMs, retry: { attempts: 3, initialDelayMs: 20, maxDelayMs: 100, timeoutMs: 1_000 }, ...options },
    )
    this.world = createWorld({ commands: [command], clockSkewMs: marginMs, storeSkewMs })
    for (const at of skewsMs.keys()) this.running[at] = this.start(at)
  }

  start(at: number): TestProcess {
    const skewMs = skewsMs[at] ?? 0
    const started = this.world.start({ skewMs, graceMs: 300, durableTimeoutMs: 1_000, ...this.looks })
    this.started.push(started)
    return started
  }

  process(at: number): TestProcess {
    return this.running[at] ?? expect.fail(`there is no process ${at}`)
  }

  generations(key: string): readonly AuditedGeneration[] {
    return auditGenerations(this.world.log.events(this.process(0).streamOf({ key })))
  }

  async take(next: Step): Promise<void> {
    const { clock } = this.world
    if (next.kind === 'advance') await clock.advance(next.ms)
    else if (next.kind === 'pace') [this.takesMs, this.failures] = [next.takesMs, next.failures]
    else this.takeAt(next, this.process(next.process))
    await clock.settle()
    for (const [at, each] of this.running.entries()) {
      if (each.store.faults.crashed) this.running[at] = this.start(at)
    }
  }

  takeAt(next: Exclude<Step, { kind: 'advance' | 'pace' }>, target: TestProcess): void {
    const { faults } = target.store
    if (next.kind !== 'attempt' && next.kind !== 'recover') this.disturbed = true
    switch (next.kind) {
      case 'attempt':
        this.submit(next, target)
        break
      case 'recover':
        this.recovered = true
        void target.recover().catch(() => undefined)
        break
      case 'fault':
        faults.failNextAppend(next.fault)
        break
      case 'outage':
        faults.down = true
        this.world.clock.schedule(next.ms, () => (faults.down = false))
        break
      case 'pause':
        this.paused = true
        if (!this.releases.has(target)) this.releases.set(target, faults.holdAppends())
        break
      case 'resume':
        this.resume(target)
        break
      case 'crash':
        faults.crash()
        break
      case 'close':
        target.gateway.drain()
        void target.handler.close().then(() => target.store.close())
        this.running[next.process] = this.start(next.process)
        break
    }
  }

  resume(target: TestProcess): void {
    this.releases.get(target)?.()
    this.releases.delete(target)
  }

  submit(step: Extract<Step, { kind: 'attempt' }>, by: TestProcess): void {
    const { key, body, waitMs } = step
    const request = { key, body, waitMs, requestId: `request-${this.submitted.length}` }
    const attempt = { request, by, submittedAtMs: this.world.clock.nowMs(), met: this.generations(key).at(-1) }
    this.submitted.push(attempt)
    by.submit(request).then(
      (answer) => {
        // A process that has died answers nobody.
        if (by.store.faults.crashed) return
        this.answers.push({ attempt, answer })
        try {
          this.check(attempt, answer)
        } catch (error) {
          this.violations.push(error)
        }
      },
      (error: unknown) => this.violations.push(error),
    )
  }

  /** The true time at which an event was written. */
  trueMs(generation: AuditedGeneration): number {
    return (generation.events.at(-1)?.recordedAtMs ?? 0) - storeSkewMs
  }

  /** True while, by every clock, the outcome stands. */
  holds(generation: AuditedGeneration): boolean {
    return generation.outcome === undefined || this.world.clock.nowMs() < this.trueMs(generation) + retentionMs
  }

  check(attempt: Attempt, answer: Answer): void {
    const { request, met } = attempt
    const fingerprint = attempt.by.envelope(request).fingerprint
    const generations = this.generations(request.key)
    const last = generations.at(-1)
    const about = JSON.stringify({ request, answer, generations: generations.map((each) => each.events.length) })
    const stood = met !== undefined && last?.generation === met.generation && this.holds(last)
    switch (answer.kind) {
      case 'response': {
        // Byte-identical to what stands on the log, for this very request; durable before it was told.
        const { response, expiresAtMs } = answer
        const told = generations.find(({ outcome }) => isDeepStrictEqual(outcome?.response, response))
        expect(told, about).toMatchObject({ fingerprint, outcome: { response, expiresAtMs } })
        // Not an outcome that had long expired when the attempt was made (a zombie may wake up with one).
        if (told !== undefined && this.options.expired !== 'gone' && !this.disturbed) {
          expect(attempt.submittedAtMs, about).toBeLessThan(this.trueMs(told) + retentionMs + 3 * marginMs)
        }
        this.acknowledged.push({ key: request.key, generation: told?.generation ?? 0 })
        break
      }
      case 'pending': {
        // After a pause it may be one that has been replaced since: the zombie's own.
        const durable =
          this.paused || this.options.supersedes
            ? generations.findLast((each) => each.fingerprint === fingerprint)
            : last
        expect(durable?.fingerprint, `202 without anything durable: ${about}`).toBe(fingerprint)
        this.acknowledged.push({ key: request.key, generation: durable?.generation ?? 0 })
        break
      }
      case 'refused':
        this.checkRefusal(attempt, answer, about)
        break
    }
    // The first generation that an attempt met, if it is another request's and still stands, always means 422.
    if (stood && met.fingerprint !== fingerprint && !this.paused && !this.options.supersedes) {
      expect(['idempotency-key-reused', 'unavailable'], about).toContain(answer.kind === 'refused' && answer.code)
    }
    // Its own request never does, unless a rival is in flight in the same gateway, which does not look further.
    const rival = this.submitted.some(
      (each) => each.by === attempt.by && each.request.key === request.key && each.request.body !== request.body,
    )
    if (stood && met.fingerprint === fingerprint && !rival) {
      expect(answer.kind === 'refused' && answer.code, about).not.toBe('idempotency-key-reused')
    }
  }

  checkRefusal(attempt: Attempt, answer: Extract<Answer, { kind: 'refused' }>, about: string): void {
    switch (answer.code) {
      case 'idempotency-key-reused': {
        const others = this.submitted.filter(({ request }) => request.key === attempt.request.key)
        expect(new Set(others.map(({ request }) => request.body)).size, about).toBe(2)
        expect(this.options.supersedes, about).not.toBe(true)
        this.expectNoTrace(attempt)
        break
      }
      case 'idempotency-key-expired':
        expect(this.options.expired, about).toBe('gone')
        this.expectNoTrace(attempt)
        break
      case 'superseded':
        this.expectOvertaken(attempt, about)
        this.expectNoTrace(attempt)
        break
      case 'unavailable': {
        // Two handlers at one key disturb each other too: who loses finds out at his next write.
        const others = this.submitted.some(
          ({ by, request }) => by !== attempt.by && request.key === attempt.request.key,
        )
        expect(this.disturbed || this.recovered || others || this.options.supersedes, about).toBe(true)
        break
      }
      default:
        expect.fail(about)
    }
  }

  /** Another request's generation was received after this one, and well after it, or this one took long. */
  expectOvertaken({ by, request }: Attempt, about: string): void {
    const own = by.envelope(request).fingerprint
    const first = this.submitted.find((each) => each.by === by && sameRequest(each.request, request))
    const others = this.generations(request.key).filter(({ fingerprint }) => fingerprint !== own)
    const sinceMs = (first?.submittedAtMs ?? 0) - marginMs
    expect(Math.max(...others.map(({ envelope }) => envelope.receivedAtMs)), about).toBeGreaterThan(sinceMs)
    expect(this.world.clock.nowMs(), about).toBeGreaterThan(sinceMs + simultaneousMs)
  }

  expectNoTrace({ request }: Attempt): void {
    const ids = this.generations(request.key).map(({ envelope }) => envelope.requestId)
    expect(ids).not.toContain(request.requestId)
  }

  /** Everybody dies, one process starts, and finishes what was accepted. */
  async end(): Promise<void> {
    const { clock } = this.world
    for (const target of [...this.releases.keys()]) this.resume(target)
    await clock.settle()
    for (const each of this.started) each.store.faults.crash()
    this.failures = 0
    const survivor = this.world.start()
    const recovered = survivor.recover()
    await clock.runUntilIdle()
    await recovered
    for (const key of ['k1', 'k2']) {
      const generations = this.generations(key)
      for (const { outcome } of generations) expect(outcome, 'every accepted key resolves').toBeDefined()
      this.expectNoneEarly(generations)
    }
    for (const { key, generation } of this.acknowledged) {
      expect(this.generations(key)[generation - 1]?.outcome, 'an acknowledged command is never lost').toBeDefined()
    }
    for (const { attempt } of this.answers) this.checkFinal(attempt)
    // Nothing is left to find, and the checkpoint has not passed anything by.
    expect(await survivor.recover()).toEqual({ found: 0, unreadable: [] })
    if (this.violations.length > 0) throw this.violations[0]
  }

  expectNoneEarly(generations: readonly AuditedGeneration[]): void {
    for (const [at, { events }] of generations.entries()) {
      const before = generations[at - 1]
      if (before === undefined) continue
      if (this.options.supersedes && events[0]?.metadata['fingerprint'] !== before.fingerprint) continue
      const begunMs = (events[0]?.recordedAtMs ?? 0) - storeSkewMs
      expect(begunMs, 'a key is never reusable early').toBeGreaterThanOrEqual(this.trueMs(before) + retentionMs)
    }
    if (this.options.expired === 'gone') expect(generations.length).toBeLessThanOrEqual(1)
  }

  /** A refusal leaves no trace, later either. */
  checkFinal(attempt: Attempt): void {
    const refused = this.answers.filter(({ attempt: each, answer }) => each === attempt && answer.kind === 'refused')
    for (const { answer } of refused) {
      if (answer.kind === 'refused' && answer.code !== 'unavailable') this.expectNoTrace(attempt)
    }
  }
}

const sameRequest = (one: TestRequest, other: TestRequest): boolean => one.key === other.key && one.body === other.body

async function play(steps: readonly Step[], history: History): Promise<History> {
  for (const next of steps) await history.take(next)
  await history.end()
  return history
}

/** `HOLDFAST_MODEL_RUNS=30000` looks for longer: about 20 s for each property. */
const runs = Number(process.env['HOLDFAST_MODEL_RUNS'] ?? 150)

describe('one effect per key, whatever happens', () => {
  test.each<{ case: string; options: TestCommandOptions }>([
    { case: 'expired keys execute again', options: {} },
    { case: 'expired keys are gone', options: { expired: 'gone' } },
    { case: 'another body supersedes', options: { identity: 'uri', supersedes: true } },
  ])('property: $case', async ({ options }) => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), looks, async (steps, who) => {
        const { answers } = await play(steps, new History(options, who))
        for (const { answer } of answers) {
          const name = answer.kind === 'refused' ? answer.code : answer.kind
          seen.set(name, (seen.get(name) ?? 0) + 1)
        }
      }),
      { numRuns: runs },
    )
    // The histories are worth something only if they reach every kind of answer.
    const kinds = ['response', 'pending', 'unavailable', ...(options.supersedes ? [] : ['idempotency-key-reused'])]
    for (const name of kinds) {
      expect(seen.get(name) ?? 0, name).toBeGreaterThan(0)
    }
  })
})
