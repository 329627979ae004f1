import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { anOrder } from '../support/api.ts'

/** An order whose body comes when the caller says so. */
export interface LateBody {
  /** Resolves when its head has been sent. */
  readonly started: Promise<void>
  finish(): void
  /** Everything that came back, once the connection is closed. */
  readonly answer: Promise<string>
}

export function lateBody(url: string, key: string): LateBody {
  const { hostname, port } = new URL(url)
  const body = JSON.stringify(anOrder)
  const socket = connect({ host: hostname, port: Number(port) })
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  const head = [
    'POST /api/order HTTP/1.1',
    'host: gateway',
    'content-type: application/json',
    `idempotency-key: ${key}`,
    `content-length: ${body.length}`,
  ]
  const start = async (): Promise<void> => {
    await once(socket, 'connect')
    socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 1)}`)
    // The head has to be read before the signal comes; there is nothing to be seen of it from outside.
    await pause(200)
  }
  return {
    started: start(),
    finish: () => {
      socket.write(body.slice(1))
    },
    answer: once(socket, 'close').then(() => Buffer.concat(chunks).toString('latin1')),
  }
}
