/** A provider as a process of its own: `node examples/orders/providers/main.ts <payments|shipping> <port> <ledger file>`. */
import { z } from 'zod'
import { createPayments, createShipping } from './providers.ts'
import { serveProvider } from './server.ts'

const [kind, port, file] = process.argv.slice(2)
if ((kind !== 'payments' && kind !== 'shipping') || !/^\d+$/.test(port ?? '') || file === undefined) {
  console.error('usage: main.ts <payments|shipping> <port, 0 for a free one> <ledger file>')
  process.exit(2)
}
const payment = z.object({
  kind: z.enum(['charge', 'refund']),
  amount: z.int().positive(),
  currency: z.string(),
  customer: z.string(),
})
const server =
  kind === 'payments'
    ? await serveProvider(createPayments(file), { port: Number(port), request: payment })
    : await serveProvider(createShipping(file), { port: Number(port), request: z.object({ order_id: z.string() }) })
console.log(JSON.stringify({ msg: 'ready', url: server.url, provider: kind }))
process.once('SIGTERM', () => {
  void server.close().then(() => process.exit(0))
})
