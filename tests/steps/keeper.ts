import { ServiceStartError } from '@holdfast/testing/processes'
import type { ServiceNode } from '../support/distributed-node.ts'

/** What can die, and be started again. */
export interface Mortal {
  /** Of the present life. */
  died(): Promise<unknown>
  start(): Promise<void>
}

export const asMortal = (node: ServiceNode): Mortal => ({ died: () => node.process.exited, start: () => node.start() })

/** Starts everything again that dies, whatever killed it. Disposing it ends that; then everything is up. */
export function keepAlive(mortals: readonly Mortal[]): AsyncDisposable & { readonly restarts: number } {
  const stopping = Promise.withResolvers<'stop'>()
  let restarts = 0
  const keep = async (mortal: Mortal): Promise<void> => {
    for (;;) {
      // One that has died already is started before it stops.
      const event = await Promise.race([mortal.died(), stopping.promise])
      if (event === 'stop') return
      // Counted afterwards: `restarts += await …` would forget those of others meanwhile.
      const times = await startAgain(mortal)
      restarts += times
    }
  }
  const kept = Promise.all(mortals.map(keep))
  // It is awaited when it is disposed of.
  kept.catch(() => undefined)
  return {
    get restarts() {
      return restarts
    },
    async [Symbol.asyncDispose]() {
      stopping.resolve('stop')
      await kept
    },
  }
}

const maxStarts = 10

/** A start may be struck as well: by a crash point that lies in what it finishes first. Returns how many it took. */
async function startAgain(mortal: Mortal): Promise<number> {
  for (let time = 1; ; time++) {
    try {
      await mortal.start()
      return time
    } catch (error) {
      if (!(error instanceof ServiceStartError) || time === maxStarts) throw error
    }
  }
}
