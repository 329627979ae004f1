/**
 * A provider as a process of its own: `node examples/orders/providers/main.ts <payments|shipping> <port> <ledger file>`, on
 * `PROVIDER_HOST`, which is 127.0.0.1 unless it is set: it asks nobody who they are.
 */
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
const host = process.env['PROVIDER_HOST'] ?? '127.0.0.1'
const server =
  kind === 'payments'
    ? await serveProvider(createPayments(file), { port: Number(port), host, request: payment })
    : await serveProvider(createShipping(file), {
        port: Number(port),
        host,
        request: z.object({ order_id: z.string() }),
      })
console.log(JSON.stringify({ msg: 'ready', url: server.url, provider: kind }))
process.once('SIGTERM', () => {
  void server.close().then(() => process.exit(0))
})
