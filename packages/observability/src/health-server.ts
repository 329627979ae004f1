import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from './metrics.ts'

export interface HealthServerOptions {
  readonly host: string
  readonly port: number
  readonly metrics: Metrics
  /** Resolves with false, or rejects, while the service cannot do its work. */
  readonly ready: () => Promise<boolean>
}

export interface HealthServer {
  readonly url: string
  close(): Promise<void>
}

/** `/livez`, `/readyz` and `/metrics` for a service without an HTTP edge of its own. */
export async function startHealthServer({ host, port, metrics, ready }: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', response)
  })
  async function answer(url: string, response: ServerResponse): Promise<void> {
    if (url === '/livez') {
      end(response, 200, 'ok')
    } else if (url === '/readyz') {
      const isReady = await ready().catch(() => false)
      end(response, isReady ? 200 : 503, isReady ? 'ok' : 'not ready')
    } else if (url === '/metrics') {
      const { contentType, body } = await metrics.expose()
      response.writeHead(200, { 'content-type': contentType }).end(body)
    } else {
      end(response, 404, 'this service has /livez, /readyz and /metrics')
    }
  }
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  return {
    url: `http://${host}:${address.port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ status: text }))
}
