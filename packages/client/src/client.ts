import type { CommandStatus, ResultEvent } from '@holdfast/contracts'
import type { AppShape, BodyOf, CommandName, CommandOf, InputOf, RefusalCodeOf, RouteRef, Routes } from './app-types.ts'
import { assertKey, newKey } from './key.ts'
import { lookUp } from './look-up.ts'
import { checkRetry, resolveOptions, type ClientOptions, type RetryOptions } from './options.ts'
import type { Outcome } from './outcome.ts'
import { consumeResults, type ConsumeResultsOptions } from './results/consume.ts'
import { iterateResults } from './results/iterate.ts'
import { targetOf } from './routes.ts'
import { sendUntilKnown } from './send.ts'

export interface SendOptions extends Partial<RetryOptions> {
  /** Names the intent: the same for every call that means the same. Default: a new UUID v7, kept for this call's attempts. */
  readonly key?: string
  /** Ends the call; the command may go on. */
  readonly signal?: AbortSignal
}

export interface LookUpOptions {
  readonly signal?: AbortSignal
}

/** A client of one application. `Ref` is how commands are named: by route, and by name where the client has `routes`. */
export interface Client<A extends AppShape = AppShape, Ref extends string = RouteRef<A>> {
  /**
   * Sends a command, as often as it takes, under one key, and resolves with its outcome: `succeeded` with the body, or
   * `rejected` with the refusal that the command has declared.
   *
   * @param command a route (`'POST /api/order'`) or a name in `routes` (`'order.place'`)
   * @param input the members of the body, and the parameters of the path
   * @throws HoldfastProblem when the request was refused and had no effect, or the command has failed for good
   * @throws HoldfastOutcomeUnknownError when it may or may not have been executed; carries the key to go on with
   * @throws TypeError for a call that cannot be meant
   */
  send<R extends Ref>(
    command: R,
    input: InputOf<CommandOf<A, R>>,
    options?: SendOptions,
  ): Promise<Outcome<BodyOf<CommandOf<A, R>>, RefusalCodeOf<CommandOf<A, R>>>>
  /**
   * Where a key of this caller stands; undefined when nothing under it ever became durable.
   *
   * @throws HoldfastProblem, or the connection's error, when that cannot be told
   */
  lookUpKey(key: string, options?: LookUpOptions): Promise<CommandStatus | undefined>
  /** The same by command id. */
  lookUpCommand(commandId: string, options?: LookUpOptions): Promise<CommandStatus | undefined>
  /**
   * Consumes the results of this caller's commands, past and live, until the signal ends it: `onResult` for each id once,
   * one after the other, and `onCheckpoint` behind it. Connections that break are taken up again where it stands.
   *
   * @throws HoldfastProblem when the gateway refuses for good; what the callbacks throw
   */
  consumeResults(options: ConsumeResultsOptions<CommandName<A>>): Promise<void>
  /**
   * The same for `for await`: a result counts as handled, and `onCheckpoint` is called behind it, when the next one is asked
   * for. The one at which the loop is left comes again to whoever goes on from the last checkpoint. While it waits for a
   * result only the signal ends it.
   *
   * @throws as `consumeResults`
   */
  results(
    options?: Omit<ConsumeResultsOptions<CommandName<A>>, 'onResult'>,
  ): AsyncGenerator<ResultEvent, void, undefined>
}

/** Options of a client that knows its application's commands by name. */
export interface NamedClientOptions<A extends AppShape> extends ClientOptions {
  /** The route of each command by its name: types are gone at run time. `routesOf(app)` makes it where the app is at hand. */
  readonly routes: Routes<A>
}

/**
 * A client of a Holdfast gateway. Give it the application's type, and inputs, bodies and refusals are typed:
 * `createClient<typeof app>({ baseUrl })` with `import type { app } from …`; nothing of the application is loaded.
 *
 * @throws TypeError for an option that cannot be meant
 */
export function createClient<A extends AppShape = AppShape>(
  options: NamedClientOptions<A>,
): Client<A, RouteRef<A> | CommandName<A>>
export function createClient<A extends AppShape = AppShape>(options: ClientOptions): Client<A>
export function createClient(
  options: ClientOptions & { readonly routes?: Readonly<Record<string, string>> },
): Client<AppShape, string> {
  const resolved = resolveOptions(options)
  const routes = options.routes ?? {}
  const send = async (command: string, input: object, sending: SendOptions = {}): Promise<Outcome> => {
    const { key = newKey(), signal, ...bounds } = sending
    assertKey(key)
    const retry = { ...resolved.retry, ...bounds }
    checkRetry(retry)
    return sendUntilKnown(resolved, { target: targetOf(command, input, routes), key, retry, signal })
  }
  return {
    // What a call returns is known by its type alone.
    send: send as Client<AppShape, string>['send'],
    async lookUpKey(key, { signal } = {}) {
      assertKey(key)
      return lookUp(resolved, { path: `/idempotency-keys/${encodeURIComponent(key)}`, key, signal })
    },
    async lookUpCommand(commandId, { signal } = {}) {
      return lookUp(resolved, { path: `/commands/${encodeURIComponent(commandId)}`, key: undefined, signal })
    },
    consumeResults: (consume) => consumeResults(resolved, consume),
    results: (consume = {}) =>
      iterateResults<ConsumeResultsOptions>((whole) => consumeResults(resolved, whole), consume),
  }
}
