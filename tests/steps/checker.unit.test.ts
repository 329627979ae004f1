import type { RecordedEvent } from '@holdfast/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { commandIdOfOrder, findBreaches } from './checker.ts'
import { stepKeysOf } from './check-effects.ts'
import { isRecorded, type Answered, type Attempt, type Evidence, type Order } from './evidence.ts'
import { rehearse, rehearsed } from './rehearsal.ts'

const { confirmed, twin, declined, refused, failed } = rehearsed

interface Corruption {
  readonly name: string
  readonly corrupt: (healthy: Evidence) => Evidence
  /** What has to be found, among others perhaps: `<promise> <what>`. */
  readonly finds: RegExp
}

const onStream = (order: Order, change: (events: readonly RecordedEvent[]) => readonly RecordedEvent[]) => {
  const commandId = commandIdOfOrder(order)
  return (healthy: Evidence): Evidence => {
    const commands = new Map(healthy.commands)
    commands.set(commandId, change(commands.get(commandId) ?? []))
    return { ...healthy, commands }
  }
}

const onInventory =
  (change: (events: readonly RecordedEvent[]) => readonly RecordedEvent[]) =>
  (healthy: Evidence): Evidence => ({
    ...healthy,
    inventory: new Map([...healthy.inventory].map(([product, events]) => [product, renumbered(change(events))])),
  })

const renumbered = (events: readonly RecordedEvent[]): readonly RecordedEvent[] =>
  events.map((event, at) => ({ ...event, revision: BigInt(at) }))

/** Changes the answers of the attempts at one order. */
const onAnswers =
  (order: Order, change: (response: Answered, at: number) => Partial<Answered>) =>
  (healthy: Evidence): Evidence => {
    let at = 0
    const attempts = healthy.attempts.map((attempt): Attempt => {
      const { seen } = attempt
      if (attempt.order !== order || seen.kind !== 'answer') return attempt
      return { ...attempt, seen: { kind: 'answer', response: { ...seen.response, ...change(seen.response, at++) } } }
    })
    return { ...healthy, attempts }
  }

const without =
  (type: string) =>
  (events: readonly RecordedEvent[]): readonly RecordedEvent[] =>
    renumbered(events.filter((event) => event.type !== type))

const twice =
  (type: string) =>
  (events: readonly RecordedEvent[]): readonly RecordedEvent[] =>
    renumbered(events.flatMap((event) => (event.type === type ? [event, event] : [event])))

const withMetadata =
  (changed: Readonly<Record<string, unknown>>) =>
  (events: readonly RecordedEvent[]): readonly RecordedEvent[] =>
    events.map((event, at) =>
      at === 1 ? { ...event, metadata: { ...event.metadata, ...changed } as RecordedEvent['metadata'] } : event,
    )

/** A misuse that was sent at this moment. */
const misusedAnswered202 =
  (sentAt: number) =>
  (healthy: Evidence): Evidence => {
    const response = { status: 202, headers: {}, body: '' }
    const misuse: Attempt = {
      ...{ order: confirmed, misused: true, sentAt, endedAt: sentAt + 1 },
      seen: { kind: 'answer', response },
    }
    return { ...healthy, attempts: [...healthy.attempts, misuse] }
  }

const unaware = (order: Order) => (healthy: Evidence) => ({
  ...healthy,
  attempts: healthy.attempts.filter((attempt) => attempt.order !== order),
})

const keysOf = (order: Order) => stepKeysOf(commandIdOfOrder(order))

const corruptions: readonly Corruption[] = [
  {
    name: 'a card is charged twice',
    corrupt: (healthy) => ({ ...healthy, payments: healthy.payments.flatMap((entry) => [entry, entry]) }),
    finds: /^1 charge: 2 times/,
  },
  {
    name: 'a card is charged under a key that is no step',
    corrupt: (healthy) => ({
      ...healthy,
      payments: [...healthy.payments, ...healthy.payments.slice(0, 1).map((entry) => ({ ...entry, key: 'another' }))],
    }),
    finds: /^1 an effect that no order asked for/,
  },
  {
    name: 'a confirmed order was never charged',
    corrupt: (healthy) => ({
      ...healthy,
      payments: healthy.payments.filter(({ key }) => key !== keysOf(confirmed).charge),
    }),
    finds: /^1 charge: 0 times/,
  },
  {
    name: 'the wrong amount is charged',
    corrupt: (healthy) => ({
      ...healthy,
      payments: healthy.payments.map((entry) => ({ ...entry, effect: { ...entry.effect, amount: 1 } })),
    }),
    finds: /^1 charged 1 to alpha/,
  },
  {
    name: 'a failed order is not refunded',
    corrupt: (healthy) => ({
      ...healthy,
      payments: healthy.payments.filter(({ key }) => key !== keysOf(failed).refund),
    }),
    finds: /^1 refund: 0 times, for an order that ended failed/,
  },
  {
    name: 'a confirmed order is refunded',
    corrupt: (healthy) => ({
      ...healthy,
      payments: [
        ...healthy.payments,
        ...healthy.payments.slice(0, 1).map((entry) => ({ ...entry, key: keysOf(confirmed).refund })),
      ],
    }),
    finds: /^1 refund: 1 times, for an order that ended succeeded/,
  },
  {
    name: 'a label is made twice',
    corrupt: (healthy) => ({ ...healthy, labels: healthy.labels.flatMap((entry) => [entry, entry]) }),
    finds: /^1 label: 2 times/,
  },
  {
    name: 'a declined order has a label',
    corrupt: (healthy) => ({
      ...healthy,
      labels: healthy.labels.map((entry) => ({ ...entry, key: keysOf(declined).label })),
    }),
    finds: /^1 label: 2 times, for an order that ended rejected "card-declined"/,
  },
  {
    name: 'the event names another charge than the provider made',
    corrupt: (healthy) => ({
      ...healthy,
      payments: healthy.payments.map((entry) => ({ ...entry, effect: { ...entry.effect, id: 'x' } })),
    }),
    finds: /^7 the event names another charge/,
  },
  { name: 'stock is taken twice', corrupt: onInventory(twice('StockReserved')), finds: /^1 reserve: 2 times/ },
  { name: 'stock is not put back', corrupt: onInventory(without('StockReleased')), finds: /^1 release: 0 times/ },
  { name: 'stock is put back twice', corrupt: onInventory(twice('StockReleased')), finds: /^1 \d+ are left, of 1000/ },
  {
    name: 'more is sold than there is',
    corrupt: onInventory((events) =>
      events.map((event) => (event.type === 'StockAdded' ? { ...event, data: { quantity: 4 } } : event)),
    ),
    finds: /^1 more was reserved than there was/,
  },
  {
    name: 'a movement of stock that no order asked for',
    corrupt: onInventory((events) =>
      events.map((event) => (event.type === 'StockReserved' ? { ...event, metadata: { step_key: 'x' } } : event)),
    ),
    finds: /^1 a movement that no order asked for/,
  },
  {
    name: 'an order of which nobody knows has had effects',
    corrupt: unaware(confirmed),
    finds: /^1 (an effect|a movement) that no order asked for/,
  },
  {
    name: 'a step is completed twice',
    corrupt: onStream(confirmed, twice('StepCompleted')),
    finds: /^1 the step .* is completed twice/,
  },
  {
    name: 'steps in another order',
    corrupt: onStream(confirmed, (events) => events.toReversed()),
    finds: /^7 the step .* is out of order/,
  },
  {
    name: 'a step is undone while nothing is decided',
    corrupt: onStream(declined, without('CompensationStarted')),
    finds: /^7 the step .* is undone before the outcome stands/,
  },
  {
    name: 'a step is undone twice',
    corrupt: onStream(declined, twice('StepUndone')),
    finds: /^1 the step .* is undone twice/,
  },
  { name: 'two outcomes', corrupt: onStream(confirmed, twice('OrderPlaced')), finds: /^1 2 outcomes/ },
  {
    name: 'an event behind the outcome',
    corrupt: onStream(confirmed, (events) => renumbered([...events, ...events.slice(1, 2)])),
    finds: /^7 events stand behind the outcome/,
  },
  {
    name: 'a hole in the stream',
    corrupt: onStream(confirmed, (events) => events.toSpliced(1, 1)),
    finds: /^7 a gap in the stream/,
  },
  {
    name: 'a hole in the inventory',
    corrupt: (healthy) => ({
      ...healthy,
      inventory: new Map([...healthy.inventory].map(([name, events]) => [name, events.slice(1)])),
    }),
    finds: /^7 a gap in the stream/,
  },
  {
    name: 'no envelope',
    corrupt: onStream(confirmed, (events) => renumbered(events.slice(1))),
    finds: /^7 0 envelopes/,
  },
  {
    name: 'a second generation',
    corrupt: onStream(confirmed, withMetadata({ generation: 2 })),
    finds: /^1 more than one generation/,
  },
  {
    name: 'two attempts were executed',
    corrupt: onStream(confirmed, withMetadata({ attemptId: 'x' })),
    finds: /^1 events of several attempts/,
  },
  {
    name: 'two requests under one key',
    corrupt: onStream(confirmed, withMetadata({ fingerprint: 'x' })),
    finds: /^4 events of several requests/,
  },
  {
    name: "a tenant's stream holds the other's order",
    corrupt: (healthy) => onStream(confirmed, () => healthy.commands.get(commandIdOfOrder(twin)) ?? [])(healthy),
    finds: /^6 the envelope is of the tenant beta/,
  },
  {
    name: "a tenant is told the other's order",
    corrupt: (healthy) => {
      const foreign = healthy.attempts.find(({ order }) => order === twin)?.seen
      return onAnswers(confirmed, (response) =>
        isRecorded(response) && foreign?.kind === 'answer' ? { body: foreign.response.body } : {},
      )(healthy)
    },
    finds: /^6 was told the order of alpha\/one/,
  },
  { name: 'an acknowledged order is lost', corrupt: onStream(refused, () => []), finds: /^2 acknowledged, and lost/ },
  {
    name: 'an order stays in progress',
    corrupt: (healthy) =>
      onAnswers(refused, (_response, at) => (at < 2 ? { status: 503, headers: {} } : {}))(
        onStream(refused, () => [])(healthy),
      ),
    finds: /^5 the key never came to an outcome/,
  },
  {
    name: 'a replay differs by a byte',
    corrupt: onAnswers(confirmed, ({ body }, at) => (at === 1 ? { body: body.replace('}', ' }') } : {})),
    finds: /^3 two answers differ/,
  },
  {
    name: 'a replay has another status',
    corrupt: onAnswers(declined, (_response, at) => (at === 1 ? { status: 409 } : {})),
    finds: /^3 two answers differ/,
  },
  {
    name: 'a replay lacks a header',
    corrupt: onAnswers(declined, ({ headers }, at) => {
      const { link: _link, ...others } = headers
      return at === 1 ? { headers: others } : {}
    }),
    finds: /^3 two answers differ/,
  },
  {
    name: 'all answers are the same, and not what is recorded',
    corrupt: onAnswers(refused, (response) => (isRecorded(response) ? { body: '{}' } : {})),
    finds: /^3 told .* another response is recorded/,
  },
  {
    name: 'two attempts say that they were executed',
    corrupt: onAnswers(confirmed, ({ headers }) => {
      const { 'idempotent-replayed': _replayed, ...others } = headers
      return { headers: others }
    }),
    finds: /^1 2 attempts say that they were executed/,
  },
  {
    name: 'a misused key is answered with the outcome',
    corrupt: onAnswers(confirmed, (_response, at) => (at === 2 ? { status: 201, body: '{"order_id":"x"}' } : {})),
    finds: /^4 a misused key was answered 201/,
  },
  {
    name: 'a misused key is answered 202 by the only gateway',
    corrupt: misusedAnswered202(-1),
    finds: /^4 a misused key was answered 202/,
  },
  {
    name: 'a misused key is answered 202 after the outcome was told, whatever gateway it was',
    corrupt: (healthy) => misusedAnswered202(1_000)({ ...healthy, gateways: 2 }),
    finds: /^4 a misused key was answered 202/,
  },
  {
    name: 'the right request is answered 422',
    corrupt: onAnswers(confirmed, (_response, at) => (at === 1 ? { status: 422, headers: {} } : {})),
    finds: /^4 the right request was answered 422/,
  },
  {
    name: '202 after the outcome was told',
    corrupt: onAnswers(confirmed, (_response, at) => (at === 1 ? { status: 202, headers: {} } : {})),
    finds: /^5 202 after the outcome was told/,
  },
  {
    name: '500 that is not recorded',
    corrupt: onAnswers(confirmed, (_response, at) => (at === 1 ? { status: 500, headers: {} } : {})),
    finds: /^5 an answer of no promise: 500/,
  },
  {
    name: 'an attempt is never answered',
    corrupt: (healthy) => ({
      ...healthy,
      attempts: healthy.attempts.map((attempt, at) =>
        at === 1 ? { ...attempt, seen: { kind: 'broken', code: 'no answer in 60000 ms' } } : attempt,
      ),
    }),
    finds: /^5 no answer/,
  },
]

describe('the checker', () => {
  let healthy: Evidence
  beforeAll(async () => {
    healthy = await rehearse()
  })

  test('finds nothing where nothing went wrong', () => {
    expect(findBreaches(healthy)).toEqual([])
    const statuses = healthy.attempts.map(({ seen }) => (seen.kind === 'answer' ? seen.response.status : 0))
    expect(statuses).toEqual([201, 201, 422, 201, 201, 422, 402, 402, 422, 409, 409, 422, 500, 500, 422])
  })

  test('accepts what clients may see of dying processes', () => {
    const [first] = healthy.attempts
    if (first === undefined) throw new Error('the rehearsal has attempts')
    const more: Attempt[] = [
      { ...first, sentAt: -4, endedAt: -3, seen: { kind: 'broken', code: 'ECONNRESET' } },
      { ...first, sentAt: -2, endedAt: -1, seen: { kind: 'answer', response: { status: 202, headers: {}, body: '' } } },
      { ...first, seen: { kind: 'answer', response: { status: 503, headers: {}, body: '' } } },
    ]
    expect(findBreaches({ ...healthy, attempts: [...more, ...healthy.attempts] })).toEqual([])
  })

  test('accepts that a gateway does not know yet what another has taken', () => {
    expect(findBreaches(misusedAnswered202(-1)({ ...healthy, gateways: 2 }))).toEqual([])
  })

  test.each(corruptions)('refuses: $name', ({ corrupt, finds }) => {
    const breaches = findBreaches(corrupt(healthy)).map(({ promise, what }) => `${promise} ${what}`)
    expect(breaches).toContainEqual(expect.stringMatching(finds))
  })
})
