import { Aggregates } from '../aggregate/aggregates.ts'
import type { App } from '../app.ts'
import { commandIdOf, streamOf, type CommandId, type StreamName } from '../brands.ts'
import type { Command } from '../command/define-command.ts'
import type { CommandEnvelope } from '../envelope.ts'
import type { KeyDecision } from '../key-state/decide.ts'
import { decideFromStream, replayOf } from '../key-state/resolve.ts'
import { KeyTable } from '../key-table.ts'
import { TransportError, type CommandTransport, type Dispatch, type Resolution } from '../ports/command-transport.ts'
import { EventStoreError, type ExpectedRevision } from '../ports/event-store.ts'
import { LazyAbort } from '../lazy-abort.ts'
import { jittered } from './backoff.ts'
import { GenerationLost } from './key-writer.ts'
import { Generation, type GenerationDeps, type GenerationPlan } from './generation.ts'

export interface CommandHandlerOptions extends Omit<GenerationDeps, 'aggregates'> {
  readonly app: App
  /** See KeyPolicy.clockSkewMs. */
  readonly clockSkewMs: number
  /** How long `close` waits for commands that are running, milliseconds. */
  readonly graceMs: number
  /**
   * Take a command for the first under its key, and read the stream only when the append says otherwise. True behind
   * gateways that have just read it: the expected revision makes it safe, and it spares a journey. A command that is
   * older than a moment may have waited behind another attempt, or been in the hands of a handler that died: there the
   * stream is read first, or something slow would be executed in vain. Default false.
   */
  readonly expectFresh?: boolean
}

type ExecutionDeps = CommandHandlerOptions & GenerationDeps

/** What is executed in vain at worst takes about as long. */
const freshForMs = 1_000
const firstGeneration = { kind: 'execute', generation: 1, expectedRevision: 'no_stream' } as const

/** Bound of "read, decide, append, conflict, read again": each round means that another worker has made progress. */
const maxRounds = 50
const longestPauseMs = 5_000

/**
 * Decides commands: one at a time per key, any number of keys at once. In one process it is the transport itself; behind
 * Kafka the consumer calls it.
 */
export class CommandHandler implements CommandTransport {
  readonly #options: ExecutionDeps
  readonly #running = new KeyTable<Execution>()
  #closing = false

  constructor(options: CommandHandlerOptions) {
    this.#options = { ...options, aggregates: new Aggregates({ ...options, upcast: options.app.upcast }) }
  }

  dispatch(envelope: CommandEnvelope): Dispatch {
    const commandId = commandIdOf(envelope.tenant, envelope.key)
    const stream = streamOf(commandId)
    if (this.#closing) return refused(new TransportError('the handler is shutting down'))
    const command = this.#options.app.command(envelope.command)
    if (command === undefined)
      return refused(new TransportError(`no command "${envelope.command}" in this application`))
    const before = this.#running.get(commandId)
    if (command.concurrent === 'conflict' && before?.runs(envelope) === true) return settled({ kind: 'in-progress' })
    const execution = new Execution(this.#options, { command, commandId, stream, envelope }, before)
    this.#running.set(commandId, execution)
    const forget = (): void => {
      this.#running.delete(commandId, execution)
    }
    execution.resolution.then(forget, forget)
    return execution
  }

  ready(): boolean {
    return !this.#closing
  }

  /** How many keys are being worked on. */
  get size(): number {
    return this.#running.size
  }

  async close(): Promise<void> {
    this.#closing = true
    const { clock, graceMs } = this.#options
    const settled = new AbortController()
    const all = Promise.allSettled(this.#running.values().map((execution) => execution.resolution))
    await Promise.race([all.then(() => settled.abort()), clock.sleep(graceMs, settled.signal)])
    await Promise.allSettled(this.#running.values().map((execution) => execution.letGo()))
  }
}

function refused(error: Error): Dispatch {
  const resolution = Promise.reject<Resolution>(error)
  resolution.catch(() => undefined)
  return { durable: () => Promise.reject(error), resolution, attempts: () => 0 }
}

function settled(resolution: Resolution): Dispatch {
  return { durable: () => Promise.resolve(), resolution: Promise.resolve(resolution), attempts: () => 0 }
}

const shuttingDown = (): TransportError =>
  new TransportError('the handler is shutting down; what was accepted is finished at the next start')

interface Target {
  readonly command: Command
  readonly commandId: CommandId
  readonly stream: StreamName
  readonly envelope: CommandEnvelope
}

/** One attempt: reads the key's state, and goes on until there is a resolution. */
class Execution implements Dispatch {
  readonly resolution: Promise<Resolution>
  readonly #options: ExecutionDeps
  readonly #target: Target
  #before: Execution | undefined
  readonly #released = new LazyAbort()
  /** Asked for only where another request may have overtaken it. */
  readonly #arrivedAtMs: number
  #generation: Generation | undefined
  #accepting: PromiseWithResolvers<void> | undefined
  #giveUp: (error: Error) => void = () => undefined

  constructor(options: ExecutionDeps, target: Target, before: Execution | undefined) {
    this.#options = options
    this.#target = target
    this.#before = before
    this.#arrivedAtMs = target.command.supersedes ? options.clock.nowMs() : 0
    this.resolution = new Promise((resolve, reject) => {
      this.#giveUp = reject
      const guess = this.#isSurelyFirst() ? this.#start(freshPlan(target, firstGeneration, undefined)) : undefined
      if (guess === undefined) this.#run().then(resolve, reject)
      else
        guess.then(resolve, () => {
          this.#run(guess).then(resolve, reject)
        })
    })
  }

  runsSame({ fingerprint }: CommandEnvelope): boolean {
    return this.#target.envelope.fingerprint === fingerprint
  }

  /** True when this is another attempt at the same request. */
  runs(envelope: CommandEnvelope): boolean {
    return this.runsSame(envelope) && this.#target.envelope.attemptId !== envelope.attemptId
  }

  attempts(): number {
    return this.#generation?.attempts ?? this.#before?.attempts() ?? 0
  }

  async durable(): Promise<void> {
    await this.#acceptance()
  }

  /** True once the command, or its outcome, is durable; false when it came to something else (a refusal). */
  #acceptance(): Promise<boolean> {
    if (this.#accepting === undefined) {
      this.#accepting = Promise.withResolvers<void>()
      this.#accepting.promise.catch(() => undefined)
      this.#acceptIfWanted()
    }
    return Promise.race([
      this.#accepting.promise.then(() => true),
      this.resolution.then(({ kind }) => kind === 'outcome'),
    ])
  }

  /** Makes the command durable as it stands, and stops working on it; so do those that it waits for. */
  async letGo(): Promise<void> {
    this.#released.abort()
    try {
      await this.#before?.letGo().catch(() => undefined)
      await this.#generation?.accept()
    } finally {
      this.#generation?.abandon()
      this.#giveUp(shuttingDown())
    }
  }

  #acceptIfWanted(): void {
    const accepting = this.#accepting
    if (accepting === undefined) return
    const [generation, before] = [this.#generation, this.#before]
    const done = (durable: boolean): void => {
      if (durable) accepting.resolve()
    }
    if (generation === undefined) {
      // It waits its turn. What the execution before it makes durable is this request as well, if it is the same one.
      if (before?.runsSame(this.#target.envelope) === true) before.#acceptance().then(done, () => undefined)
      return
    }
    // Another request's generation, which this one supersedes when it has ended: its acceptance is not this one's.
    if (generation.fingerprint !== this.#target.envelope.fingerprint) return
    generation.accept().then(done, (error: unknown) => {
      // Whoever asks again finds the store back, perhaps.
      if (this.#accepting === accepting) this.#accepting = undefined
      accepting.reject(error)
    })
  }

  /** True when the key was never used, as far as can be told without a look at its stream: the append finds out. */
  #isSurelyFirst(): boolean {
    if (this.#before !== undefined) return false
    const { store, expectFresh, clock } = this.#options
    if (store.isSurelyEmpty?.(this.#target.stream) === true) return true
    return expectFresh === true && clock.nowMs() - this.#target.envelope.receivedAtMs < freshForMs
  }

  /** `guess`: what came of taking the attempt for the key's first; it failed. */
  async #run(guess?: Promise<Resolution>): Promise<Resolution> {
    if (this.#before !== undefined) await this.#before.resolution.catch(() => undefined)
    this.#before = undefined
    let actual: ExpectedRevision | undefined
    for (let round = 1, faults = 0; round <= maxRounds && !this.#released.aborted; round++) {
      try {
        const guessed = round === 1 && faults === 0 ? guess : undefined
        const resolution = await (guessed ?? this.#round(actual))
        if (resolution !== undefined) return resolution
        actual = undefined
      } catch (error) {
        if (error instanceof GenerationLost) {
          actual = error.actual
          if (guess === undefined || round > 1) await this.#pause(round)
          continue
        }
        // What a caller was told is accepted is not dropped because the store is away: the key goes on when it is back.
        const goOn = error instanceof EventStoreError && error.canRetry && this.#generation?.accepted === true
        if (!goOn) throw error
        round = 0
        faults++
      }
      await this.#pause(round + faults)
    }
    throw this.#released.aborted ? shuttingDown() : new TransportError('other workers kept writing to this key')
  }

  async #pause(round: number): Promise<void> {
    const pauseMs = Math.min(longestPauseMs, 10 * 2 ** Math.min(round, 16))
    await this.#options.clock.sleep(jittered(pauseMs), this.#released.signal)
  }

  async #round(actual: ExpectedRevision | undefined): Promise<Resolution | undefined> {
    const { store, clockSkewMs } = this.#options
    const { command, envelope } = this.#target
    const arrivedAtMs = this.#arrivedAtMs
    const decision = await decideFromStream(envelope, { store, command, clockSkewMs, arrivedAtMs })
    if (this.#released.aborted) throw shuttingDown()
    switch (decision.kind) {
      case 'replay':
        return replayOf(decision.state)
      case 'reused':
      case 'expired':
      case 'superseded':
        return decision
      case 'execute':
        return this.#start(freshPlan(this.#target, decision, actual))
      case 'continue': {
        const result = await this.#start(this.#continuedPlan(decision.state))
        return decision.state.fingerprint === envelope.fingerprint ? result : undefined
      }
    }
  }

  #start(plan: GenerationPlan): Promise<Resolution> {
    this.#generation = new Generation(this.#options, plan)
    this.#acceptIfWanted()
    return this.#generation.run()
  }

  #continuedPlan(state: Extract<KeyDecision, { kind: 'continue' }>['state']): GenerationPlan {
    const command = this.#options.app.command(state.envelope.command)
    if (command === undefined) throw new TransportError(`no command "${state.envelope.command}" in this application`)
    const { fingerprint, attemptId } = state
    return {
      ...this.#target,
      command,
      envelope: { ...state.envelope, v: 1, fingerprint, attemptId },
      generation: state.generation,
      expectedRevision: state.revision,
      accepted: true,
      failedAttempts: state.failedAttempts,
      nextAttemptAtMs: state.nextAttemptAtMs,
      steps: state.steps,
      compensation: state.compensation,
    }
  }
}

/**
 * A store may say "conflict at n" for a stream that reads empty (all its events have expired, see the EventStoreDB
 * adapter): then n is what the next append has to expect.
 */
function freshPlan(
  target: Target,
  decision: Extract<KeyDecision, { kind: 'execute' }>,
  actual: ExpectedRevision | undefined,
): GenerationPlan {
  const { generation, expectedRevision } = decision
  return {
    ...target,
    generation,
    expectedRevision: expectedRevision === 'no_stream' && actual !== undefined ? actual : expectedRevision,
    accepted: false,
    failedAttempts: 0,
    nextAttemptAtMs: 0,
    steps: [],
    compensation: undefined,
  }
}
