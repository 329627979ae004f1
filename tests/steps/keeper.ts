import { ServiceStartError } from '@holdfast/testing/processes'
import type { ServiceNode } from '../support/distributed-node.ts'

/** Starts every process again that dies, whatever killed it. Disposing it ends that; then all of them are up. */
export function keepAlive(nodes: readonly ServiceNode[]): AsyncDisposable & { readonly restarts: number } {
  const stopping = Promise.withResolvers<'stop'>()
  let restarts = 0
  const keep = async (node: ServiceNode): Promise<void> => {
    for (;;) {
      // One that has died already is started before it stops.
      const event = await Promise.race([node.process.exited, stopping.promise])
      if (event === 'stop') return
      restarts += await startAgain(node)
    }
  }
  const kept = Promise.all(nodes.map(keep))
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
async function startAgain(node: ServiceNode): Promise<number> {
  for (let time = 1; ; time++) {
    try {
      await node.start()
      return time
    } catch (error) {
      if (!(error instanceof ServiceStartError) || time === maxStarts) throw error
    }
  }
}
