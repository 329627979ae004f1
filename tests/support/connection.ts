import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { parseAnswers, type HttpResponse } from '@holdfast/testing/http'
import { until } from '@holdfast/testing/processes'

/** A connection whose bytes are the test's own, and what has come back on it. */
export interface KeptConnection extends Disposable {
  readonly socket: Socket
  readonly answers: () => readonly HttpResponse[]
  /** Sends a request, and waits for the answer behind those that are there. */
  readonly ask: (bytes: Uint8Array) => Promise<HttpResponse>
}

/** Connects to a server. Its answers need a `Content-Length`, as the gateway's have. */
export async function connectTo(url: string | undefined): Promise<KeptConnection> {
  const { hostname, port } = new URL(url ?? '')
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await once(socket, 'connect')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A reset is an end like any other.
  socket.on('error', () => undefined)
  const answers = (): readonly HttpResponse[] => parseAnswers(Buffer.concat(chunks))
  return {
    socket,
    answers,
    ask: async (bytes) => {
      const count = answers().length
      socket.write(bytes)
      return until(() => answers()[count], { what: 'an answer' })
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}
