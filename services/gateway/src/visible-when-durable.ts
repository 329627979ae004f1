import {
  commandIdOf,
  LazyAbort,
  loadKeyState,
  resolveFromStream,
  streamOf,
  type App,
  type Clock,
  type CommandEnvelope,
  type CommandTransport,
  type Dispatch,
  type EventStore,
  type Resolution,
} from '@holdfast/core'

export interface VisibleWhenDurableOptions {
  readonly app: App
  readonly store: EventStore
  readonly clock: Clock
  readonly clockSkewMs: number
}

/** A handler records what it works on after a tenth of a second; a backlog of commands is not waited for. */
const longestWaitMs = 2_000
const firstPauseMs = 5
const longestPauseMs = 100

/**
 * A command is durable once it is in the log, but all that other gateways see is the key's stream. So before anybody is
 * told 202, this one looks there:
 *
 * - A command that is recorded as accepted can be looked up at any gateway, under the `Location` of the 202.
 * - Where another attempt has brought the key to its outcome, the caller gets that: a retry never learns less.
 * - Where there is nothing yet, it waits a moment; then handlers are behind or away, and the 202 is sent all the same. A
 *   look-up at another gateway says 404 until a handler has taken the command.
 *
 * `durable` rejects when the stream cannot be read.
 */
export function visibleWhenDurable(transport: CommandTransport, options: VisibleWhenDurableOptions): CommandTransport {
  return {
    dispatch: (envelope) => new VisibleDispatch(transport.dispatch(envelope), envelope, options),
    ready: () => transport.ready(),
    close: () => transport.close(),
  }
}

class VisibleDispatch implements Dispatch {
  readonly resolution: Promise<Resolution>
  readonly #dispatch: Dispatch
  readonly #envelope: CommandEnvelope
  readonly #options: VisibleWhenDurableOptions
  readonly #settled = new LazyAbort()
  #find: (resolution: Resolution) => void = () => undefined
  /** Until then a caller waits for the command to become visible; the first one starts that time for all. */
  #deadlineMs: number | undefined

  constructor(dispatch: Dispatch, envelope: CommandEnvelope, options: VisibleWhenDurableOptions) {
    this.#dispatch = dispatch
    this.#envelope = envelope
    this.#options = options
    this.resolution = new Promise((resolve, reject) => {
      this.#find = resolve
      dispatch.resolution.then(resolve, reject)
    })
    const settle = (): void => {
      this.#settled.abort()
    }
    this.resolution.then(settle, settle)
  }

  attempts(): number {
    return this.#dispatch.attempts()
  }

  async durable(): Promise<void> {
    await this.#dispatch.durable()
    const { clock } = this.#options
    this.#deadlineMs ??= clock.nowMs() + longestWaitMs
    for (let pauseMs = firstPauseMs; !this.#settled.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      if (await this.#isVisible()) return
      if (clock.nowMs() >= this.#deadlineMs) return
      await clock.sleep(pauseMs, this.#settled.signal)
    }
  }

  async #isVisible(): Promise<boolean> {
    const { app, store, clockSkewMs } = this.#options
    const { tenant, key, command: name } = this.#envelope
    const command = app.command(name)
    const found = command && (await resolveFromStream(this.#envelope, { store, command, clockSkewMs }))
    if (found !== undefined) {
      this.#find(found)
      return true
    }
    const state = await loadKeyState(store, streamOf(commandIdOf(tenant, key)))
    return state.kind === 'accepted'
  }
}
