import {
  commandIdOf,
  decide,
  loadKeyState,
  streamOf,
  type App,
  type Clock,
  type CommandEnvelope,
  type CommandTransport,
  type Dispatch,
  type EventStore,
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
 * A command is durable once it is in the log, but other gateways see the key's stream only. So whoever is told 202 waits
 * until the command stands there, and its `Location` can be asked for at any gateway. Where handlers are behind or away,
 * that is given up after a bound: the command is durable all the same, and the look-up elsewhere says 404 until a handler
 * has it.
 */
export function visibleWhenDurable(
  transport: CommandTransport,
  { app, store, clock, clockSkewMs }: VisibleWhenDurableOptions,
): CommandTransport {
  const isVisible = async (envelope: CommandEnvelope): Promise<boolean> => {
    const { command: name, tenant, key, fingerprint, receivedAtMs: nowMs } = envelope
    const command = app.command(name)
    const state = await loadKeyState(store, streamOf(commandIdOf(tenant, key)))
    if (command === undefined || state.kind === 'accepted') return true
    return decide(state, { fingerprint, nowMs }, { ...command, clockSkewMs }).kind !== 'execute'
  }

  const untilVisible = async (envelope: CommandEnvelope, dispatch: Dispatch): Promise<void> => {
    const resolved = new AbortController()
    const stop = (): void => {
      resolved.abort()
    }
    dispatch.resolution.then(stop, stop)
    const deadlineMs = clock.nowMs() + longestWaitMs
    for (let pauseMs = firstPauseMs; clock.nowMs() < deadlineMs; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      await clock.sleep(pauseMs, resolved.signal)
      if (resolved.signal.aborted) return
      // A store that cannot be read shows nothing to the other gateways either.
      if (await isVisible(envelope).catch(() => false)) return
    }
  }

  return {
    dispatch(envelope) {
      const dispatch = transport.dispatch(envelope)
      let visible: Promise<void> | undefined
      return {
        resolution: dispatch.resolution,
        attempts: () => dispatch.attempts(),
        async durable() {
          await dispatch.durable()
          await (visible ??= untilVisible(envelope, dispatch))
        },
      }
    },
    ready: () => transport.ready(),
    close: () => transport.close(),
  }
}
