import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readRequest, type DirectRequest } from './read-request.ts'

/*
 * The reading of requests that pass Node's HTTP server by, held against that server: what is taken, Node takes as well, and
 * reads the same in it. A request that two readers understand differently is how requests are smuggled.
 */

const line = 'POST /api/order HTTP/1.1\r\n'
const least = ['Host: x', 'Content-Type: application/json', 'Content-Length: 7'] as const
const body = '{"a":1}'

/** What Node's HTTP server makes of bytes. */
interface Understood {
  readonly requests: readonly { readonly message: IncomingMessage; readonly body: Buffer; readonly keeps: boolean }[]
  readonly faults: readonly string[]
}

const server = createServer()
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** Sends the bytes, ends the connection, and waits for its end. */
async function understand(bytes: Buffer): Promise<Understood> {
  const requests: { message: IncomingMessage; body: Buffer; keeps: boolean }[] = []
  const faults: string[] = []
  const pending: Promise<void>[] = []
  server.removeAllListeners('request').on('request', (message, response) => {
    const reading = buffer(message).then(
      (read) => {
        requests.push({ message, body: read, keeps: response.shouldKeepAlive })
        response.end()
      },
      () => void faults.push('incomplete'),
    )
    pending.push(reading)
  })
  server.removeAllListeners('clientError').on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    faults.push(code ?? '')
    socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1' })
  client.on('error', () => undefined)
  client.resume()
  client.end(bytes)
  await once(client, 'close')
  await Promise.all(pending)
  return { requests, faults }
}

/** What stands around values, and what only looks like it. */
const blanks = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('', ' ', '  ', '\t') },
  { weight: 1, arbitrary: fc.constantFrom('\xa0', '\v', '\r', '\n') },
)
const gap = fc.oneof({ weight: 19, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constant(' ') })
const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('x', '7', '"a b"', 'wait=2', 'Bearer x', 'application/json', 'close') },
  { weight: 1, arbitrary: fc.array(byte, { maxLength: 5 }).map((bytes) => bytes.join('')) },
)
const name = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'X-Other',
      'User-Agent',
      'Cookie',
      'accept',
      'Idempotency-Key',
      'prefer',
      'Authorization',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'connection',
      'traceparent',
      'Transfer-Encoding',
      'content-length',
      'Host',
      'Keep-Alive',
    ),
  },
)
const header = fc
  .record({ name, gap, before: blanks, value, after: blanks })
  .map((parts) => `${parts.name}${parts.gap}:${parts.before}${parts.value}${parts.after}`)
const edit = fc.record({ at: fc.nat(400), remove: fc.nat(2), insert: fc.array(byte, { maxLength: 2 }) })

/** Ordinary requests with other headers; many of them with bytes added and left out, behind the first line. */
const requests = fc
  .record({
    headers: fc.array(header, { maxLength: 3 }),
    order: fc.nat(),
    edits: fc.array(edit, { maxLength: 2 }),
    missing: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(body.length) }),
  })
  .map(({ headers, order, edits, missing }) => {
    const all = [...least, ...headers]
    const first = order % all.length
    const turned = [...all.slice(first), ...all.slice(0, first)]
    const text = `${line}${turned.join('\r\n')}\r\n\r\n${body.slice(0, body.length - missing)}`
    return edits.reduce((edited, { at, remove, insert }) => {
      const place = line.length + (at % (edited.length - line.length + 1))
      return edited.slice(0, place) + insert.join('') + edited.slice(place + remove)
    }, text)
  })

function expectSame(understood: Understood, text: string, taken: DirectRequest): void {
  expect(understood.faults).toEqual([])
  expect(understood.requests).toHaveLength(1)
  const [request] = understood.requests
  const { method, url, headers } = request?.message ?? {}
  expect({ method, url }).toEqual({ method: 'POST', url: '/api/order' })
  expect({
    kind: 'request',
    idempotencyKey: headers?.['idempotency-key'],
    authorization: headers?.authorization,
    prefer: headers?.['prefer'],
    traceparent: headers?.['traceparent'],
    contentType: headers?.['content-type'],
    body: request?.body.toString('latin1'),
    close: request?.keeps === false,
  }).toEqual({ ...taken, bodyAt: undefined, body: text.slice(taken.bodyAt) })
}

test('what is taken, Node takes as well, and reads the same in it', async () => {
  const met = { request: 0, incomplete: 0, other: 0 }
  await fc.assert(
    fc.asyncProperty(requests, async (text) => {
      const reading = readRequest(text, line.length - 2, 1_000)
      met[reading?.kind ?? 'other']++
      if (reading === undefined) return
      const understood = await understand(Buffer.from(text, 'latin1'))
      if (reading.kind === 'request') expectSame(understood, text, reading)
      // The connection ends in the middle of the body.
      else expect(understood.requests).toEqual([])
    }),
    { numRuns: 6_000 },
  )
  for (const [kind, times] of Object.entries(met)) expect(times, `${kind}: the test has met it`).toBeGreaterThan(300)
})
