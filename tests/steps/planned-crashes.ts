import { expect } from 'vitest'
import {
  anOrderOf,
  boundariesOfAnOrder,
  boundariesOfARefusal,
  declinedQuantity,
  type Boundary,
} from './crash-matrix.ts'
import type { PlannedCrash } from './crash-points.ts'
import type { Order } from './evidence.ts'
import type { PointText } from './points.ts'
import { pickOf } from './seed.ts'
import type { Shop } from './shop.ts'

/*
 * Which crash points a random run arms, and the check that they strike. A point that no longer matches anything kills
 * nobody, and a run without crashes keeps its promises easily: it would pass for the wrong reason.
 */

/** A crash point, and an order that surely comes there: how many pieces, and how it ends. */
export interface Crash {
  readonly point: PointText
  readonly quantity: number
  readonly status: number
}

const crashesOf = (
  boundaries: readonly Boundary[],
  order: Omit<Crash, 'point'>,
): readonly (readonly [PointText, Crash])[] => boundaries.map(({ point }) => [point, { point, ...order }])

/** Both courses come to the charge: there it is one point. */
export const crashes: readonly Crash[] = [
  ...new Map([
    ...crashesOf(boundariesOfAnOrder, { quantity: 1, status: 201 }),
    ...crashesOf(boundariesOfARefusal, { quantity: declinedQuantity, status: 402 }),
  ]).values(),
]

/** What goes blind together: the moment is watched by the same code, and an event is named from the same fields. */
export function sortOf({ point }: { readonly point: PointText }): string {
  const [when = '', what = ''] = point.split(' ')
  return what.includes(':') ? `${when}, of a step` : when
}

/** A point to be armed: of a sort that was not armed yet, as long as there is one. */
export function nextCrash(random: () => number, planned: readonly PlannedCrash[]): PointText {
  const sorts = new Set(planned.map(sortOf))
  const fresh = crashes.filter((crash) => !sorts.has(sortOf(crash)))
  return pickOf(random, fresh.length > 0 ? fresh : crashes).point
}

/**
 * What is missing until every point that was planned, and at least one of each sort, has struck. A point may well be
 * owed without being blind: the next one took its place, or the agents ended, before a command came there.
 */
export function owedCrashes(random: () => number, planned: readonly PlannedCrash[]): readonly Crash[] {
  const struck = new Set(planned.filter((crash) => crash.struck).map(({ point }) => point))
  const armed = new Set(planned.map(({ point }) => point))
  const missed = crashes.filter(({ point }) => armed.has(point) && !struck.has(point))
  const sorts = new Set([...missed, ...[...struck].map((point) => ({ point }))].map(sortOf))
  const others = [...Map.groupBy(crashes, sortOf)].filter(([sort]) => !sorts.has(sort))
  return [...missed, ...others.map(([, some]) => pickOf(random, some))]
}

/**
 * Arms them one after another, each with an order that surely comes there: when that has its answer, the point has struck,
 * or is blind. Nothing else may go wrong meanwhile, and somebody else starts again what has died. Returns the orders.
 */
export async function strikeOwed(
  { client, crasher }: Shop,
  owed: readonly Crash[],
  product: string,
): Promise<readonly Order[]> {
  const orders: Order[] = []
  for (const { point, quantity, status } of owed) {
    const order = anOrderOf(product, quantity)
    orders.push(order)
    await crasher.arm(point)
    const answer = await client.persist(order, { prefer: 'wait=30' })
    expect(answer.status, `${point}: ${answer.body}`).toBe(status)
  }
  await crasher.disarm()
  return orders
}
