import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { isMainThread, Worker } from 'node:worker_threads'
import { parsePoint, struckFile, type CrashPoint } from './points.ts'

/*
 * Preloaded (`--import`) into the services under test. When the file that STEPS_CRASH_FILE names holds a crash point, the
 * process kills itself there (or stops: a zombie): at that very instruction, which no watcher outside could hit. The file gets
 * another name at that moment, which says that the point has struck, so that neither the next process nor another one dies
 * of it too.
 */

const file = process.env['STEPS_CRASH_FILE']

function dieAt(when: CrashPoint['when'], matches: (what: string) => boolean): void {
  if (file === undefined) return
  const point = parsePoint(textOf(file))
  if (point?.when !== when || !matches(point.what)) return
  try {
    // A point that was armed just now, in this one's place, goes with it: it is known as one that has not struck.
    renameSync(file, struckFile(file, point.number))
  } catch {
    // Another process was here first: it dies, not this one. Or the point was taken back.
    return
  }
  if (point.signal === 'SIGSTOP') writeFileSync(`${file}.struck`, String(process.pid))
  process.kill(process.pid, point.signal)
}

/** '' when there is none. One look: between two of them another process may take the file away. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** An event is named by its type, and by its step where it has one: `StepCompleted:charge-card`. */
const eventName = (type: string, data: unknown): string => {
  const step = (data as { readonly step?: string }).step
  return step === undefined ? type : `${type}:${step}`
}

interface Columns {
  readonly types: readonly string[]
  readonly data: readonly string[]
}

/** The embedded store: what goes to the thread that writes, and what comes back when it is on the disk. */
function watchSqlite(): void {
  const post = Object.getOwnPropertyDescriptor(Worker.prototype, 'postMessage')?.value as (message: unknown) => void
  const emit = Reflect.get(Worker.prototype, 'emit') as (this: Worker, name: string, ...args: unknown[]) => boolean
  /** Names of the events of each group that the thread has not written yet. */
  const underWay: (readonly string[])[] = []
  Worker.prototype.postMessage = function (this: Worker, message: { readonly group?: { readonly appends: Columns } }) {
    const columns = message.group?.appends
    if (columns !== undefined) {
      const names = columns.types.map((type, at) => eventName(type, JSON.parse(columns.data[at] ?? '{}')))
      dieAt('before-append', (what) => names.includes(what))
      underWay.push(names)
    }
    post.call(this, message)
  }
  Worker.prototype.emit = function (this: Worker, name: string, ...args: unknown[]) {
    const message = args[0] as { readonly kind?: string; readonly groups?: number } | undefined
    if (name === 'message' && message?.groups !== undefined) {
      const written = underWay.splice(0, message.groups).flat()
      if (message.kind === 'written') dieAt('after-append', (what) => written.includes(what))
    }
    return emit.call(this, name, ...args)
  } as typeof Worker.prototype.emit
}

/** EventStoreDB's client: before the request is sent, and when its answer is there and nobody has heard of it. */
async function watchEventStoreDb(): Promise<void> {
  const { EventStoreDBClient } = await import('@eventstore/db-client')
  const { prototype } = EventStoreDBClient
  const append = Reflect.get(prototype, 'appendToStream') as (...args: unknown[]) => unknown
  const watched = async function (this: unknown, ...args: unknown[]) {
    const events = args[1] as readonly { readonly type: string; readonly data: unknown }[]
    // The adapter's own streams are written as objects, commands' events as the bytes of their JSON.
    const names = events.map(({ type, data }) =>
      eventName(type, data instanceof Uint8Array ? JSON.parse(Buffer.from(data).toString()) : data),
    )
    dieAt('before-append', (what) => names.includes(what))
    const result = await Reflect.apply(append, this, args)
    dieAt('after-append', (what) => names.includes(what))
    return result
  }
  Reflect.set(prototype, 'appendToStream', watched)
}

/** Calls to the providers are named by what they do: `charge`, `refund`, `label`. */
function watchCalls(): void {
  const call = globalThis.fetch
  globalThis.fetch = async (input, init) => {
    const body = typeof init?.body === 'string' ? (JSON.parse(init.body) as { readonly kind?: string }) : {}
    const name = body.kind ?? 'label'
    dieAt('before-call', (what) => what === name)
    const response = await call(input, init)
    dieAt('after-call', (what) => what === name)
    return response
  }
}

/** Answers that carry an outcome: as they go to the socket, whoever has written them. */
function watchReplies(): void {
  const write = Reflect.get(Socket.prototype, 'write') as (...args: unknown[]) => unknown
  const watched = function (this: unknown, ...args: unknown[]): unknown {
    const [chunk] = args
    if (typeof chunk === 'string' && /^HTTP\/1\.1 \d{3} [^]*\r\nidempotency-expires: /i.test(chunk))
      dieAt('before-reply', (what) => chunk.startsWith(`HTTP/1.1 ${what} `))
    return Reflect.apply(write, this, args)
  }
  Reflect.set(Socket.prototype, 'write', watched)
}

if (isMainThread && file !== undefined) {
  watchCalls()
  watchReplies()
  if (process.env['HOLDFAST_EVENTSTORE_URL'] === undefined) watchSqlite()
  else await watchEventStoreDb()
}
