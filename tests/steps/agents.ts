import { setTimeout as pause } from 'node:timers/promises'
import type { HttpResponse } from '@holdfast/testing/http'
import { declinedQuantity } from './crash-matrix.ts'
import { isRecorded, type Order } from './evidence.ts'
import { chances, pick } from './seed.ts'
import type { Shop } from './shop.ts'

export interface Agents {
  /** Attempts that somebody has taken so far. */
  readonly attempts: number
  /** True when all orders have been dropped by their agents. */
  readonly done: boolean
  readonly ended: Promise<void>
}

export interface AgentsOptions {
  readonly shop: Shop
  readonly orders: readonly Order[]
  /** Orders at one time. */
  readonly atATime: number
}

/** What the run orders: most can be had, some cards are declined, some orders are too large, and one product runs out. */
export function inventOrders(count: number, products: { readonly plenty: string; readonly scarce: string }): Order[] {
  const random = chances(1)
  return Array.from({ length: count }, (_none, at) => {
    const chance = random()
    const quantity = chance < 0.08 ? declinedQuantity : chance < 0.12 ? 2_000 : 1 + Math.floor(random() * 3)
    return {
      // The same keys for both tenants: promise 6.
      key: `order-${Math.floor(at / 2)}`,
      tenant: at % 2 === 0 ? 'alpha' : 'beta',
      product: random() < 0.3 ? products.scarce : products.plenty,
      quantity,
    }
  })
}

/** Agents that try each order 3 to 10 times, whatever they are answered, and then forget it. */
export function startAgents({ shop, orders, atATime }: AgentsOptions): Agents {
  const { client } = shop
  let next = 0
  let done = false
  let counted = 0
  const tend = async (order: Order, at: number): Promise<void> => {
    const random = chances(1_000 + at)
    let left = 3 + Math.floor(random() * 8)
    let acknowledged = false
    /** What nobody was there to take does not count: the agent would be through before the process is back. */
    const count = (answers: readonly (HttpResponse | boolean | undefined)[]): void => {
      for (const answer of answers) {
        if (answer === undefined || answer === false) continue
        left--
        counted++
        acknowledged ||= answer !== true && (answer.status === 202 || isRecorded(answer))
      }
    }
    while (left > 0) {
      const chance = random()
      if (chance < 0.15) count([await client.cut(order)])
      else if (chance < 0.3) count(await Promise.all([1, 2, 3].map(() => client.attempt(order))))
      else if (chance < 0.4 && acknowledged) count([(await client.attempt(order, { misused: true })) !== undefined])
      else count([await client.attempt(order, { prefer: pick(random, ['wait=1', 'wait=5', 'respond-async']) })])
      await pause(10 + random() * 40)
    }
  }
  const agent = async (): Promise<void> => {
    for (let at = next++; at < orders.length; at = next++) {
      const order = orders[at]
      if (order !== undefined) await tend(order, at)
    }
  }
  const ended = Promise.all(Array.from({ length: atATime }, agent)).then(() => {
    done = true
  })
  // It is awaited at the end of the run.
  ended.catch(() => undefined)
  return {
    get attempts() {
      return counted
    },
    get done() {
      return done
    },
    ended,
  }
}
