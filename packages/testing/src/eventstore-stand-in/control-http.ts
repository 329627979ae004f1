import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FaultRule } from './faults.ts'
import type { StandInControl } from './start-stand-in.ts'

export interface ControlServer {
  readonly url: string
  close(): Promise<void>
}

const maxBodyBytes = 64 * 1024

/**
 * The levers of a stand-in that runs as a process, over loopback HTTP with JSON bodies:
 * `POST /faults` (a rule) · `DELETE /faults` · `POST /index-delay` `{ms}` · `POST /clock` `{ms}` · `POST /scavenge` ·
 * `POST /close-connections` · `POST /end-subscriptions` · `POST /die` · `GET /status`.
 */
export async function startControlServer(control: StandInControl, port: number): Promise<ControlServer> {
  const server = createServer((request, response) => {
    handle(control, request)
      .then((body) => {
        reply(response, body === undefined ? 404 : 200, body ?? { error: 'no such lever' })
      })
      .catch((error: unknown) => {
        reply(response, 400, { error: error instanceof Error ? error.message : String(error) })
      })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function handle(control: StandInControl, request: IncomingMessage): Promise<object | undefined> {
  switch (`${request.method ?? ''} ${request.url ?? ''}`) {
    case 'POST /faults':
      control.inject((await jsonOf(request)) as FaultRule)
      return { pendingFaults: control.pendingFaults() }
    case 'DELETE /faults':
      control.clearFaults()
      return {}
    case 'POST /index-delay':
      control.setIndexDelay(await msOf(request))
      return {}
    case 'POST /clock':
      control.advanceClock(await msOf(request))
      return {}
    case 'POST /scavenge':
      return { removed: control.scavenge() }
    case 'POST /close-connections':
      control.closeConnections()
      return {}
    case 'POST /end-subscriptions':
      control.endSubscriptions()
      return {}
    case 'POST /die':
      control.die()
      return {}
    case 'GET /status':
      return { pendingFaults: control.pendingFaults(), ...control.counts() }
    default:
      return undefined
  }
}

async function msOf(request: IncomingMessage): Promise<number> {
  const { ms } = (await jsonOf(request)) as { ms?: unknown }
  if (typeof ms !== 'number' || !Number.isFinite(ms)) throw new Error('the body must be {"ms": <number>}')
  return ms
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  request.setEncoding('utf8')
  for await (const chunk of request as AsyncIterable<string>) {
    text += chunk
    if (text.length > maxBodyBytes) throw new Error('the body is too long')
  }
  return JSON.parse(text)
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
