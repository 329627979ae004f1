import { defineApp } from '@holdfast/core'
import { createChargeCommand } from './charge.ts'
import { addStock } from './inventory.ts'
import { createOrderCommands } from './order.ts'
import { orders, salesPerProduct } from './projections.ts'
import { builtInProviders, providersFrom } from './provider-clients.ts'

const providers = providersFrom(process.env)
const builtIn = builtInProviders(process.env)

/** The example application: the article's order service. */
export const app = defineApp({
  name: 'orders',
  commands: [...createOrderCommands(providers), createChargeCommand(providers), addStock],
  projections: [orders, salesPerProduct],
  seeds: [{ command: addStock, key: 'seed-abc-1', input: { product_id: 'abc', quantity: 1_000_000_000 } }],
  notice:
    builtIn.length === 0
      ? undefined
      : `demo providers are built in (${builtIn.join(', ')}): set ORDERS_PAYMENTS_URL and ORDERS_SHIPPING_URL for others`,
})
