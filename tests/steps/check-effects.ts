import type { CommandId, OutcomeKind, RecordedEvent } from '@holdfast/core'
// Not part of the package's public interface: an auditor has to know which step key is whose.
import { stableUuid } from '../../packages/core/src/handler/steps.ts'
import type { Breach, Evidence, Order } from './evidence.ts'

type Found = Omit<Breach, 'of'>

/** Price of one piece, in cents: the example's. */
const unitPrice = 1_999

/** The step keys of an order, by what they do. */
export interface StepKeys {
  readonly reserve: string
  readonly release: string
  readonly charge: string
  readonly refund: string
  readonly label: string
}

/** Of the key's first generation. */
export function stepKeysOf(commandId: CommandId): StepKeys {
  const key = (kind: 'step' | 'undo', name: string): string => stableUuid(kind, commandId, '1', name)
  return {
    reserve: key('step', 'reserve-stock'),
    release: key('undo', 'reserve-stock'),
    charge: key('step', 'charge-card'),
    refund: key('undo', 'charge-card'),
    label: key('step', 'create-label'),
  }
}

/** How an order ended, and the event that says so. */
export interface Ending {
  readonly kind: OutcomeKind
  readonly event: RecordedEvent
  /** Names of its completed steps. */
  readonly completed: readonly unknown[]
}

type Counts = Readonly<Record<keyof StepKeys, readonly [least: number, most: number]>>

const none = [0, 0] as const
const once = [1, 1] as const
const atMostOnce = [0, 1] as const

/** How often each effect has happened, by how the order ended. */
function expectedCounts({ kind, event, completed }: Ending): Counts {
  if (kind === 'succeeded') return { reserve: once, release: none, charge: once, refund: none, label: once }
  if (kind === 'rejected' && event.data['code'] === 'card-declined')
    return { reserve: once, release: once, charge: once, refund: none, label: none }
  if (kind === 'rejected') return { reserve: none, release: none, charge: none, refund: none, label: none }
  // It was given up. Of a call that nobody ever heard of again, nobody can say whether it had its effect.
  const reserved = completed.includes('reserve-stock') ? once : none
  const charged = completed.includes('charge-card')
  return {
    reserve: reserved,
    release: reserved,
    charge: charged ? once : atMostOnce,
    refund: charged ? once : none,
    label: charged ? atMostOnce : none,
  }
}

/** Promise 1, by the ledgers and the inventory: an order has each effect as often as its outcome says. */
export function checkEffects(order: Order, ending: Ending, index: EffectIndex): readonly Found[] {
  const counts = expectedCounts(ending)
  const found: Found[] = []
  for (const [name, [least, most]] of Object.entries(counts) as [keyof StepKeys, readonly [number, number]][]) {
    const actual = index.count(order, name)
    if (actual < least || actual > most)
      found.push({ promise: 1, what: `${name}: ${actual} times, for an order that ended ${describeEnding(ending)}` })
  }
  const charge = index.chargeOf(order)
  if (charge !== undefined && (charge.amount !== order.quantity * unitPrice || charge.customer !== order.tenant))
    found.push({ promise: 1, what: `charged ${charge.amount} to ${charge.customer}` })
  if (ending.kind !== 'succeeded') return found
  const { data } = ending.event
  if (charge?.id !== data['charge_id']) found.push({ promise: 7, what: 'the event names another charge' })
  if (index.labelOf(order)?.tracking !== data['tracking'])
    found.push({ promise: 7, what: 'the event names another label' })
  return found
}

const describeEnding = ({ kind, event }: Ending): string => `${kind} ${JSON.stringify(event.data['code'] ?? '')}`

export interface EffectIndex {
  count(order: Order, effect: keyof StepKeys): number
  chargeOf(order: Order): Evidence['payments'][number]['effect'] | undefined
  labelOf(order: Order): Evidence['labels'][number]['effect'] | undefined
}

/** Effects by step key. */
export function indexEffects(
  { payments, labels, inventory }: Evidence,
  keysOf: (order: Order) => StepKeys,
): EffectIndex {
  const ledger = Map.groupBy([...payments, ...labels], ({ key }) => key)
  const stock = Map.groupBy([...inventory.values()].flat(), ({ metadata }) => metadata['step_key'])
  const typeOf = { reserve: 'StockReserved', release: 'StockReleased' } as const
  return {
    count(order, effect) {
      const key = keysOf(order)[effect]
      if (effect === 'reserve' || effect === 'release') {
        const events = stock.get(key) ?? []
        return events.filter(({ type, data }) => type === typeOf[effect] && data['quantity'] === order.quantity).length
      }
      return (ledger.get(key) ?? []).length
    },
    chargeOf: (order) => payments.find(({ key }) => key === keysOf(order).charge)?.effect,
    labelOf: (order) => labels.find(({ key }) => key === keysOf(order).label)?.effect,
  }
}
