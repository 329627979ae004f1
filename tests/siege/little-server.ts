import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import type { Defect } from './defects.ts'

/**
 * A small payment API in memory: `POST /pay` and `POST /refund` with `{ "amount": … }`, `GET /ledger` counts effects,
 * `GET /docs` is what its errors link to. An amount of 13 is refused, 66 fails behind its effect. It keeps its promises, but for the defects it is given.
 */
export interface LittleServer extends AsyncDisposable {
  readonly url: string
  /** Effects so far. */
  effects(): number
  /** Breaks all connections, and comes back on the same port. */
  restart(): Promise<void>
}

interface Reply {
  readonly status: number
  readonly body: string
}

interface Entry {
  readonly fingerprint: string
  reply: Reply | undefined
  readonly done: Promise<void>
  readonly resolve: () => void
  waiting: number
}

interface Call {
  readonly path: string
  readonly tenant: string
  readonly key: string
  readonly body: string
  readonly amount: number
}

export interface LittleServerOptions {
  readonly defects?: readonly Defect[]
  /** How long an execution takes, milliseconds; default 15. */
  readonly workMs?: number
  /** A retry while the first runs is answered 409, as the draft has it, in place of waiting. Default false. */
  readonly conflict?: boolean
}

export async function startLittleServer(options: LittleServerOptions = {}): Promise<LittleServer> {
  const { defects = [], workMs = 15, conflict = false } = options
  const has = (defect: Defect): boolean => defects.includes(defect)
  const entries = new Map<string, Entry>()
  let effects = 0

  const problem = (status: number, title: string): Reply => ({
    status: has('plain-errors') ? status + 10 : status,
    body: has('plain-errors') ? 'no' : JSON.stringify({ type: `${url()}/docs`, title, status }),
  })

  async function execute({ amount, body }: Call): Promise<Reply> {
    await wait(workMs)
    if (amount === 13) return problem(402, 'The card was declined')
    if (!(has('misses-effects') && Math.random() < 0.3)) effects++
    if (amount === 66) return problem(500, 'Something failed')
    return { status: 201, body: JSON.stringify({ id: randomUUID(), ...(JSON.parse(body) as object) }) }
  }

  async function answer(call: Call, request: IncomingMessage): Promise<Reply | undefined> {
    const name = nameOf(call)
    const fingerprint = fingerprintOf(call)
    const known = entries.get(name)
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint && !has('ignores-body')) {
        if (has('executes-mismatch')) return execute(call)
        const refusal = problem(422, 'Idempotency-Key was used for another request')
        if (has('poisoned-by-mismatch')) known.reply = refusal
        return refusal
      }
      return known.reply === undefined ? meet(known) : replay(known.reply)
    }
    if (has('check-then-set') || has('hidden-double')) return checkThenSet(call, { name, fingerprint })
    const { promise: done, resolve } = Promise.withResolvers<void>()
    const entry: Entry = { fingerprint, reply: undefined, done, resolve, waiting: 0 }
    entries.set(name, entry)
    if (has('small-memory') && entries.size > 10) entries.delete(entries.keys().next().value ?? '')
    const reply = await execute(call)
    if (has('drops-abandoned') && request.socket.destroyed) return undefined
    if (reply.status === 500 && has('forgets-failed')) entries.delete(name)
    else if (reply.status === 500 && has('locks-failed')) return reply
    else if (reply.status === 402 && has('locks-refused')) return reply
    else if (!has('records-on-delivery')) entry.reply = reply
    if (!has('records-on-delivery')) resolve()
    return reply
  }

  /** A retry while the first attempt is running. */
  async function meet(entry: Entry): Promise<Reply | undefined> {
    if (has('hangs')) return new Promise(() => undefined)
    if (has('waits-for-nobody')) return problem(500, 'Busy')
    if (has('fails-under-load') && ++entry.waiting > 3) return problem(500, 'Too much')
    const isLocked = defects.some((one) => /^locks|^drops|^records/.test(one))
    if (conflict || isLocked) return problem(409, 'A request with this key is being processed')
    await entry.done
    return entry.reply
  }

  const replay = (reply: Reply): Reply =>
    has('fresh-replay') && reply.status === 201
      ? { ...reply, body: JSON.stringify({ ...(JSON.parse(reply.body) as object), at: performance.now() }) }
      : reply

  async function checkThenSet(
    call: Call,
    entry: { readonly name: string; readonly fingerprint: string },
  ): Promise<Reply> {
    const reply = await execute(call)
    const recorded = entries.get(entry.name)?.reply
    if (has('hidden-double') && recorded !== undefined) return recorded
    entries.set(entry.name, { ...entry, reply, done: Promise.resolve(), resolve: () => undefined, waiting: 0 })
    return reply
  }

  const nameOf = ({ tenant, key, body }: Call): string =>
    has('takes-same-body-for-retry') ? body : `${has('ignores-tenant') ? '' : tenant}\0${key}`

  function fingerprintOf({ path, body }: Call): string {
    const value = JSON.parse(body) as Record<string, unknown>
    const content = has('compares-bytes') ? body : JSON.stringify(Object.entries(value).sort())
    return has('ignores-operation') ? '' : `${path}\n${content}`
  }

  /** The keys of the header; undefined when it is malformed. */
  function readKey(values: readonly string[]): string | undefined {
    const [value = ''] = values
    if (has('cuts-off-key')) return value.slice(0, 64)
    if (has('quoted-is-other')) return value
    if (has('empty-is-a-key') && value === '') return value
    if (values.length !== 1 || (has('refuses-quoted') && value.startsWith('"'))) return undefined
    const inner = /^"((?:[^"\\]|\\["\\])*)"$/.exec(value)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? value
    return /^[!#-~]{1,255}$/.test(inner) ? inner : undefined
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      if (request.url === '/docs' && has('dead-docs')) response.statusCode = 404
      response.end(request.url === '/ledger' ? String(effects) : 'Keys are kept for ever.')
      return
    }
    const body = await text(request)
    const path = request.url ?? ''
    const values = request.headersDistinct['idempotency-key']
    const key = values === undefined ? undefined : readKey(values)
    const tenant = request.headers.authorization ?? 'nobody'
    const call: Call = { path, tenant, body, key: key ?? '', amount: (JSON.parse(body) as { amount: number }).amount }
    const unprotected = values === undefined ? has('executes-without-key') : has('ignores-malformed-key')
    let reply: Reply | undefined
    if (key !== undefined) reply = await answer(call, request)
    else if (unprotected) reply = await execute(call)
    else reply = problem(400, values === undefined ? 'Idempotency-Key is missing' : 'Idempotency-Key is malformed')
    if (reply === undefined) request.socket.destroy()
    else await deliver(response, reply, entries.get(nameOf(call)))
  }

  /** In two halves, so that there is a time in which an answer can be cut. */
  async function deliver(response: ServerResponse, { status, body }: Reply, entry: Entry | undefined): Promise<void> {
    const type = has('plain-errors') ? 'text/plain' : status < 400 ? 'application/json' : 'application/problem+json'
    const unrecorded = has('records-on-delivery') && entry?.reply === undefined ? entry : undefined
    if (unrecorded !== undefined) recordWhenDelivered(response, unrecorded, { status, body })
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
    response.write(body.slice(0, 10))
    await wait(unrecorded === undefined ? 5 : 100)
    response.end(body.slice(10))
  }

  function recordWhenDelivered(response: ServerResponse, entry: Entry, reply: Reply): void {
    response.once('close', () => {
      if (response.writableFinished) entry.reply = reply
      else for (const [name, one] of entries) if (one === entry) entries.delete(name)
      entry.resolve()
    })
  }

  let server = await listen(0)
  async function listen(port: number): Promise<Server> {
    const created = createServer((request, response) => {
      serve(request, response).catch(() => {
        request.socket.destroy()
      })
    })
    created.listen(port, '127.0.0.1')
    await once(created, 'listening')
    return created
  }
  const close = async (): Promise<void> => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  const { port } = server.address() as AddressInfo
  function url(): string {
    return `http://127.0.0.1:${port}`
  }

  return {
    url: url(),
    effects: () => effects,
    async restart() {
      await close()
      if (has('forgets-on-restart')) entries.clear()
      server = await listen(port)
    },
    [Symbol.asyncDispose]: close,
  }
}
