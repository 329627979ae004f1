import { Agent } from 'node:http'
import { freshKey, type Api } from '../support/api.ts'
import { attempt, type Intent, type Witness } from './witness.ts'

export interface Storm {
  /** Ends the storm and resolves when every client has its answer, or a broken connection. */
  stop(): Promise<void>
}

export interface StormOptions {
  readonly api: Api
  readonly witness: Witness
  readonly random: () => number
  /** Clients at one time. Default 12. */
  readonly clients?: number
  /** Default: commands of all kinds. */
  readonly intent?: (random: () => number) => Intent
}

/**
 * Clients that send one command after another, and now and then the same one several times at once. A broken connection
 * ends a client, and so does a 503: it would go to another gateway.
 */
export function startStorm({ api, witness, random, clients = 12, intent = anyIntent }: StormOptions): Storm {
  const agent = new Agent({ keepAlive: true })
  let stopping = false
  const client = async (): Promise<void> => {
    let welcome = true
    while (!stopping && welcome) {
      const next = intent(random)
      const attempts = random() < 0.2 ? 3 : 1
      const results = await Promise.all(
        Array.from({ length: attempts }, () => attempt(api, witness, { intent: next, agent })),
      )
      welcome = results.every((answered) => answered)
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return {
    async stop() {
      stopping = true
      await all
      agent.destroy()
    },
  }
}

/** Orders, refusals, commands of several events, slow ones that are accepted first, and ones that fail at first. */
export function anyIntent(random: () => number): Intent {
  const key = freshKey()
  const chance = random()
  if (chance < 0.6)
    return { key, path: '/api/order', json: { product_id: 'abc', quantity: 1 + Math.floor(random() * 9) } }
  if (chance < 0.7) return { key, path: '/api/order', json: { product_id: 'abc', quantity: 5_000 } }
  if (chance < 0.8) return { key, path: '/test/several', json: { labels: ['a', 'b', 'c'] } }
  if (chance < 0.9) return { key, path: '/test/throwing-once', json: { label: 'x' } }
  const ms = Math.floor(random() * 400)
  return { key, path: '/test/slow', json: { label: 'storm', ms }, prefer: 'respond-async' }
}
