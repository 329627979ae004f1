import {
  CommandGateway,
  CommandHandler,
  commandIdOf,
  fingerprintOf,
  parseIdempotencyKey,
  recoverAccepted,
  streamOf,
  type Answer,
  type Command,
  type CommandEnvelope,
  type CommandGatewayOptions,
  type CommandRequest,
  type Dispatch,
  type IdempotencyKey,
  type OutcomeKind,
  type Recovered,
  type StreamName,
} from '@holdfast/core'
import type { MemoryEventStore } from '../memory-event-store/index.ts'
import { testTenant } from './command.ts'
import type { World } from './world.ts'

export interface ProcessOptions extends Partial<
  Pick<CommandGatewayOptions, 'maxInFlight' | 'durableTimeoutMs' | 'readFirst'>
> {
  /** How far this machine's clock is ahead of the true one, milliseconds. Default 0. */
  readonly skewMs?: number
  /** See CommandHandlerOptions. Default 1,000. */
  readonly graceMs?: number
  /** See CommandHandlerOptions. Default false. */
  readonly expectFresh?: boolean
}

/** An attempt; every part has a default. */
export interface TestRequest {
  /** Name of a command of the application. Default: its first one. */
  readonly command?: string
  /** Default `acme`. */
  readonly tenant?: string
  /** Default `k`. */
  readonly key?: string
  /** The whole input is `{ body }`. Default `a`. */
  readonly body?: string
  /** Default 10,000. */
  readonly waitMs?: number
  readonly requestId?: string
}

export interface TestProcess {
  readonly store: MemoryEventStore
  readonly handler: CommandHandler
  readonly gateway: CommandGateway
  /** Those of the application. */
  readonly commands: readonly Command[]
  /** Failed tries and decisions, as the handler reported them. */
  readonly observed: {
    readonly failures: { readonly attempt: number; readonly error: unknown }[]
    readonly decided: { readonly outcome: OutcomeKind; readonly attempts: number }[]
  }
  /** An attempt by way of the gateway. */
  readonly submit: (request?: TestRequest) => Promise<Answer>
  /** An attempt handed to the handler at once, as a transport would. */
  readonly dispatch: (request?: TestRequest) => Dispatch
  readonly envelope: (request?: TestRequest) => CommandEnvelope
  readonly streamOf: (request?: TestRequest) => StreamName
  /** Finishes what was accepted, in this process. */
  readonly recover: () => Promise<Recovered>
}

export function startProcess(world: World, store: MemoryEventStore, options: ProcessOptions): TestProcess {
  const clock = world.clock.skewed(options.skewMs ?? 0)
  const { app, ids, clockSkewMs } = world
  const observed: TestProcess['observed'] = { failures: [], decided: [] }
  const handler = new CommandHandler({
    app,
    store,
    clock,
    ids,
    clockSkewMs,
    graceMs: options.graceMs ?? 1_000,
    expectFresh: options.expectFresh ?? false,
    observer: {
      attemptFailed: ({ attempt, error }) => observed.failures.push({ attempt, error }),
      decided: ({ outcome, attempts }) => observed.decided.push({ outcome, attempts }),
    },
  })
  const gateway = new CommandGateway({
    transport: handler,
    store,
    clock,
    ids,
    clockSkewMs,
    maxInFlight: options.maxInFlight ?? 10_000,
    durableTimeoutMs: options.durableTimeoutMs ?? 5_000,
    readFirst: options.readFirst ?? false,
  })
  const toRequest = (request: TestRequest): CommandRequest => ({
    command: commandOf(world, request),
    tenant: testTenant(request.tenant ?? 'acme'),
    key: keyOf(request),
    input: { body: request.body ?? 'a' },
    waitMs: request.waitMs ?? 10_000,
    requestId: request.requestId ?? ids.uuid(),
  })
  const toEnvelope = (test: TestRequest): CommandEnvelope => {
    const { command, waitMs: _waitMs, traceparent: _traceparent, ...request } = toRequest(test)
    const receivedAtMs = clock.nowMs()
    const attemptId = ids.attemptId(receivedAtMs)
    const fingerprint = fingerprintOf(command.name, request.input)
    return { v: 1, command: command.name, ...request, fingerprint, attemptId, receivedAtMs, seed: 1 }
  }
  return {
    store,
    handler,
    gateway,
    commands: app.commands,
    observed,
    submit: (request = {}) => gateway.submit(toRequest(request)),
    dispatch: (request = {}) => handler.dispatch(toEnvelope(request)),
    envelope: (request = {}) => toEnvelope(request),
    streamOf: (request = {}) => streamOf(commandIdOf(testTenant(request.tenant ?? 'acme'), keyOf(request))),
    recover: () =>
      recoverAccepted({ store, checkpoints: store, transport: handler, signal: new AbortController().signal }),
  }
}

function commandOf({ app }: World, request: TestRequest): Command {
  const command = request.command === undefined ? app.commands[0] : app.command(request.command)
  if (command === undefined) throw new TypeError(`the application has no command "${request.command ?? ''}"`)
  return command
}

function keyOf(request: TestRequest): IdempotencyKey {
  const parsed = parseIdempotencyKey(request.key ?? 'k')
  if (parsed.kind !== 'key') throw new TypeError(`"${request.key ?? ''}" is no key`)
  return parsed.key
}
