import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import type { Provider } from './providers.ts'

/**
 * How a provider misbehaves.
 * - `fail-before`: 500, without the effect
 * - `fail-after`: the effect, then 500
 * - `hang`: the effect, and no answer
 * - `slow`: the effect, answered after `delayMs`
 * - `down`: the connection is closed at once
 */
const behaviourSchema = z.object({
  mode: z.enum(['ok', 'fail-before', 'fail-after', 'hang', 'slow', 'down']),
  /** How many requests; then `ok` again. Left out: until told otherwise. */
  times: z.int().positive().optional(),
  delayMs: z.int().nonnegative().optional(),
})
export type Behaviour = z.infer<typeof behaviourSchema>

export interface ProviderServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves a provider over HTTP: `POST /` with an `Idempotency-Key` has the effect, `GET /ledger` lists all effects,
 * `POST /behaviour` tells it to misbehave.
 */
export async function serveProvider<Request, Effect>(
  provider: Provider<Request, Effect>,
  options: { readonly port: number; readonly host?: string; readonly request: z.ZodType<Request> },
): Promise<ProviderServer> {
  let behaviour: Behaviour = { mode: 'ok' }
  const server = createServer((request, response) => {
    route(request, response).catch((error: unknown) => {
      answer(response, 400, { error: String(error) })
    })
  })

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET' && request.url === '/ledger') {
      answer(response, 200, provider.ledger.entries())
      return
    }
    const body: unknown = JSON.parse(await textOf(request))
    if (request.url === '/behaviour') {
      behaviour = behaviourSchema.parse(body)
      answer(response, 200, behaviour)
      return
    }
    await serve(request, response, options.request.parse(body))
  }

  async function serve(request: IncomingMessage, response: ServerResponse, body: Request): Promise<void> {
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string') throw new Error('Idempotency-Key is missing')
    const { mode, delayMs = 1_000 } = takeTurn()
    if (mode === 'down') {
      request.socket.destroy()
      return
    }
    if (mode === 'fail-before') {
      answer(response, 500, { error: 'told to fail before the effect' })
      return
    }
    const effect = await provider.handle(body, key)
    if (mode === 'hang') return
    if (mode === 'fail-after') answer(response, 500, { error: 'told to fail after the effect' })
    else if (mode === 'slow')
      setTimeout(() => {
        answer(response, 200, effect)
      }, delayMs).unref()
    else answer(response, 200, effect)
  }

  function takeTurn(): Behaviour {
    const now = behaviour
    if (now.times !== undefined) behaviour = now.times > 1 ? { ...now, times: now.times - 1 } : { mode: 'ok' }
    return now
  }

  server.listen(options.port, options.host ?? '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      provider.ledger.close()
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
