import { commandIdOf, type CommandId, type IdempotencyKey, type RecordedEvent, type Tenant } from '@holdfast/core'
import { checkAnswers } from './check-answers.ts'
import { checkEffects, indexEffects, stepKeysOf, type Ending } from './check-effects.ts'
import { checkStream, metadataOf } from './check-stream.ts'
import { nameOf, type Attempt, type Breach, type Evidence, type Order } from './evidence.ts'

export const commandIdOfOrder = ({ tenant, key }: Pick<Order, 'tenant' | 'key'>): CommandId =>
  commandIdOf(tenant as Tenant, key as IdempotencyKey)

/**
 * Proves promises 1 to 6 of a run of orders (`POST /api/order`, each key used for one order, none expired), and as much
 * of 7 as is needed for that, from what can be known from outside: the answers that clients saw, the streams, the ledgers
 * of the providers. Returns what contradicts them; nothing for a run in which all promises were kept. Pure.
 */
export function findBreaches(evidence: Evidence): readonly Breach[] {
  const byOrder = Map.groupBy(evidence.attempts, ({ order }) => nameOf(order))
  const orders = [...byOrder.values()].flatMap(([first]) => first?.order ?? [])
  const keys = new Map(orders.map((order) => [nameOf(order), stepKeysOf(commandIdOfOrder(order))]))
  const keysOf = (order: Order) => keys.get(nameOf(order)) ?? stepKeysOf(commandIdOfOrder(order))
  const index = indexEffects(evidence, keysOf)
  const found: Breach[] = []
  const confirmed: Order[] = []
  for (const order of orders) {
    const events = evidence.commands.get(commandIdOfOrder(order)) ?? []
    const ending = endingOf(events)
    if (ending?.kind === 'succeeded') confirmed.push(order)
    const outcome = ending && metadataOf(ending.event).outcome
    const breaches = [
      ...checkAnswers(byOrder.get(nameOf(order)) ?? [], { outcome, gateways: evidence.gateways }),
      ...(events.length > 0 ? checkStream(order, events) : []),
      ...(ending ? checkEffects(order, ending, index) : []),
    ]
    found.push(...breaches.map((breach) => ({ ...breach, of: nameOf(order) })))
  }
  return [
    ...found,
    ...checkStrays(
      evidence,
      [...keys.values()].flatMap((own): readonly string[] => [
        own.reserve,
        own.release,
        own.charge,
        own.refund,
        own.label,
      ]),
    ),
    ...checkTenants(evidence),
    ...checkStock(evidence, confirmed),
  ]
}

function endingOf(events: readonly RecordedEvent[]): Ending | undefined {
  const event = events.find((one) => metadataOf(one).outcome !== undefined)
  const outcome = event && metadataOf(event).outcome
  if (event === undefined || outcome === undefined) return undefined
  const completed = events.filter(({ type }) => type === 'StepCompleted').map(({ data }) => data['step'])
  return { kind: outcome.kind, event, completed }
}

/** Effects that no order has asked for. */
function checkStrays({ payments, labels, inventory }: Evidence, known: readonly string[]): readonly Breach[] {
  const ours: ReadonlySet<unknown> = new Set(known)
  const ledger = [...payments, ...labels].filter(({ key }) => !ours.has(key))
  const stock = [...inventory.values()]
    .flat()
    .filter(({ type, metadata }) => type !== 'StockAdded' && !ours.has(metadata['step_key']))
  return [
    ...ledger.map(
      ({ key }) => ({ promise: 1, of: `ledger ${key}`, what: 'an effect that no order asked for' }) as const,
    ),
    ...stock.map(
      ({ stream, revision }) =>
        ({ promise: 1, of: `${stream} at ${revision}`, what: 'a movement that no order asked for' }) as const,
    ),
  ]
}

/** Promise 6: what was confirmed to one key of one tenant is confirmed to no other. */
function checkTenants({ attempts }: Evidence): readonly Breach[] {
  const owners = new Map<string, string>()
  return attempts.flatMap(({ order, seen }: Attempt): readonly Breach[] => {
    if (seen.kind !== 'answer' || seen.response.status !== 201) return []
    const { order_id } = JSON.parse(seen.response.body) as { readonly order_id?: string }
    const owner = owners.get(String(order_id)) ?? nameOf(order)
    owners.set(String(order_id), owner)
    return owner === nameOf(order)
      ? []
      : [{ promise: 6, of: nameOf(order), what: `was told the order of ${owner}: ${String(order_id)}` }]
  })
}

/** Nothing is sold that is not there, and what is left is what was not sold. */
function checkStock({ inventory }: Evidence, confirmed: readonly Order[]): readonly Breach[] {
  return [...inventory].flatMap(([product, events]) => {
    const found: Breach[] = []
    const add = (promise: Breach['promise'], what: string): void => void found.push({ promise, of: product, what })
    if (events.some(({ revision }, at) => revision !== BigInt(at))) add(7, 'a gap in the stream')
    let [available, stocked] = [0, 0]
    let oversold = false
    for (const { type, data } of events) {
      const quantity = Number(data['quantity'] ?? 0)
      available += type === 'StockReserved' ? -quantity : quantity
      if (type === 'StockAdded') stocked += quantity
      oversold ||= available < 0
    }
    const sold = confirmed.filter((order) => order.product === product).reduce((sum, order) => sum + order.quantity, 0)
    if (oversold) add(1, 'more was reserved than there was')
    if (available !== stocked - sold) add(1, `${available} are left, of ${stocked} with ${sold} sold`)
    return found
  })
}
