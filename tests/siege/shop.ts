import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '@holdfast/testing/processes'
import { z } from 'zod'
import { createPayments } from '../../examples/orders/providers/providers.ts'
import { serveProvider } from '../../examples/orders/providers/server.ts'
import { startStandaloneProcess } from '../support/embedded.ts'

/** A quantity whose charge the payment provider cannot carry out: the order fails with a 5xx, finally. */
export const failingQuantity = 77

export const apiKeys = { one: 'key-of-tenant-one', two: 'key-of-tenant-two' } as const

/** The example application on the embedded runtime, with a payment provider whose ledger can be asked. */
export interface Shop extends AsyncDisposable {
  readonly url: string
  /** Lists all charges. */
  readonly ledgerUrl: string
  /** Kills the process and starts it again, on the same data and port, for whoever asks. */
  readonly restartUrl: string
}

const payment = z.object({
  kind: z.enum(['charge', 'refund']),
  amount: z.int().positive(),
  currency: z.string(),
  customer: z.string(),
})

export async function startShop(): Promise<Shop> {
  const folder = await temporaryFolder()
  const payments = createPayments(`${folder.path}/payments.sqlite`)
  const provider = await serveProvider(
    {
      ledger: payments.ledger,
      async handle(request, key) {
        if (request.amount === failingQuantity * 1_999) throw new Error('this charge cannot be carried out')
        return payments.handle(request, key)
      },
    },
    { port: 0, request: payment },
  )
  const start = (port: string) =>
    startStandaloneProcess({
      app: fileURLToPath(new URL('../../examples/orders/src/app.ts', import.meta.url)),
      dataDir: folder.path,
      env: {
        HOLDFAST_PORT: port,
        HOLDFAST_API_KEYS: `one=${apiKeys.one},two=${apiKeys.two}`,
        ORDERS_PAYMENTS_URL: provider.url,
      },
    })
  let service = await start('0')
  const { url } = service

  const control = createServer((_request, response) => {
    service.kill('SIGKILL')
    service.exited
      .then(() => start(new URL(url).port))
      .then((started) => {
        service = started
        response.end('restarted')
      })
      .catch((error: unknown) => {
        response.writeHead(500).end(String(error))
      })
  })
  control.listen(0, '127.0.0.1')
  await once(control, 'listening')

  return {
    url,
    ledgerUrl: `${provider.url}/ledger`,
    restartUrl: `http://127.0.0.1:${(control.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      control.close()
      control.closeAllConnections()
      await service[Symbol.asyncDispose]()
      await provider.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
