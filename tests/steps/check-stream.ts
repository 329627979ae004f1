import { keyEventTypes, type KeyEventMetadata, type RecordedEvent } from '@holdfast/core'
import type { Breach, Order } from './evidence.ts'

type Found = Omit<Breach, 'of'>

export const metadataOf = ({ metadata }: RecordedEvent): KeyEventMetadata => metadata as unknown as KeyEventMetadata

/** Whether the stream of a key that was used once is well-formed: promise 7, and where it shows two executions, promise 1. */
export function checkStream(order: Order, events: readonly RecordedEvent[]): readonly Found[] {
  const found: Found[] = []
  const all = events.map(metadataOf)
  const add = (promise: Breach['promise'], what: string): void => void found.push({ promise, what })
  if (events.some(({ revision }, at) => revision !== BigInt(at))) add(7, 'a gap in the stream')
  const outcomes = all.filter(({ outcome }) => outcome !== undefined)
  if (outcomes.length > 1) add(1, `${outcomes.length} outcomes`)
  if (outcomes.length === 1 && all.at(-1) !== outcomes[0]) add(7, 'events stand behind the outcome')
  if (new Set(all.map(({ attemptId }) => attemptId)).size > 1) add(1, 'events of several attempts')
  if (new Set(all.map(({ fingerprint }) => fingerprint)).size > 1) add(4, 'events of several requests')
  if (all.some(({ generation }) => generation !== 1)) add(1, 'more than one generation')
  const envelopes = all.flatMap(({ envelope }) => envelope ?? [])
  if (envelopes.length !== 1 || all[0]?.envelope === undefined) add(7, `${envelopes.length} envelopes`)
  for (const { tenant, key, input } of envelopes) {
    if (tenant !== order.tenant) add(6, `the envelope is of the tenant ${tenant}`)
    if (key !== order.key) add(7, `the envelope is of the key ${key}`)
    if (input['quantity'] !== order.quantity || input['product_id'] !== order.product)
      add(4, 'the envelope is of another request')
  }
  return [...found, ...checkSteps(events)]
}

/** Each step is completed once, undone once at most, and only while the command is being compensated. */
function checkSteps(events: readonly RecordedEvent[]): readonly Found[] {
  const found: Found[] = []
  const completed: string[] = []
  const undone: string[] = []
  let compensating = false
  for (const { type, data } of events) {
    const step = JSON.stringify(data['step'])
    if (type === keyEventTypes.compensationStarted) compensating = true
    if (type === keyEventTypes.stepCompleted) {
      if (completed.includes(step)) found.push({ promise: 1, what: `the step ${step} is completed twice` })
      if (data['index'] !== completed.length) found.push({ promise: 7, what: `the step ${step} is out of order` })
      completed.push(step)
    }
    if (type === keyEventTypes.stepUndone) {
      if (!compensating) found.push({ promise: 7, what: `the step ${step} is undone before the outcome stands` })
      if (undone.includes(step)) found.push({ promise: 1, what: `the step ${step} is undone twice` })
      undone.push(step)
    }
  }
  return found
}
