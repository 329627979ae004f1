import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { send } from '@holdfast/testing/http'
import type { LedgerEntry } from '../../examples/orders/providers/ledger.ts'
import type { Label, Payment } from '../../examples/orders/providers/providers.ts'
import type { Behaviour } from '../../examples/orders/providers/server.ts'
import { startNode, type ServiceNode } from '../support/distributed-node.ts'

/** A provider in a process of its own, over all its lives. */
export interface ProviderProcess<Effect> extends AsyncDisposable {
  readonly node: ServiceNode
  readonly url: string
  behave(behaviour: Behaviour): Promise<void>
  /** All effects it ever had, oldest first. */
  ledger(): Promise<readonly LedgerEntry<Effect>[]>
}

export interface ProviderOptions {
  readonly kind: 'payments' | 'shipping'
  readonly ledgerFile: string
}

const entry = fileURLToPath(new URL('provider-process.ts', import.meta.url))

export async function startProvider<Effect>({ kind, ledgerFile }: ProviderOptions): Promise<ProviderProcess<Effect>> {
  const node = await startNode({ entry, env: { PROVIDER: kind, PROVIDER_LEDGER: ledgerFile } })
  const { url } = node
  return {
    node,
    url,
    async behave(behaviour) {
      const { status, body } = await send({ url, method: 'POST', path: '/behaviour', body: JSON.stringify(behaviour) })
      if (status !== 200) throw new Error(`the provider answered ${status} ${body}`)
    },
    async ledger() {
      const { status, body } = await send({ url, path: '/ledger' })
      if (status !== 200) throw new Error(`the provider answered ${status} ${body}`)
      return JSON.parse(body) as readonly LedgerEntry<Effect>[]
    },
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  }
}

/** Everybody that the order service calls. */
export interface Providers extends AsyncDisposable {
  readonly payments: ProviderProcess<Payment>
  readonly shipping: ProviderProcess<Label>
  /** Settings that tell the order service where they are. */
  readonly env: Readonly<Record<string, string>>
}

export async function startProviders(folder: string): Promise<Providers> {
  await using resources = new AsyncDisposableStack()
  const payments = await startProvider<Payment>({ kind: 'payments', ledgerFile: join(folder, 'payments.sqlite') })
  resources.use(payments)
  const shipping = await startProvider<Label>({ kind: 'shipping', ledgerFile: join(folder, 'shipping.sqlite') })
  resources.use(shipping)
  const owned = resources.move()
  return {
    payments,
    shipping,
    env: { ORDERS_PAYMENTS_URL: payments.url, ORDERS_SHIPPING_URL: shipping.url },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
