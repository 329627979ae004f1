import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { createAppender } from './appender.ts'
import { createBatchAppend } from './batch-append.ts'
import type { Database } from './database.ts'
import { openDatabase } from './database.ts'
import type { FaultRule } from './faults.ts'
import { createFaults } from './faults.ts'
import { createGossipRead, createSupportedMethods } from './node-services.ts'
import { GossipService, ServerFeaturesService, StreamsService } from './protocol.ts'
import { createRead } from './read.ts'
import { createDelete, createTombstone } from './removal.ts'
import type { CheckpointForm, RequestCounts, ServerContext } from './server-context.ts'
import { createUnaryAppend } from './unary-append.ts'

export interface StandInOptions {
  /** TCP port; 0 takes a free one. */
  readonly port: number
  /** Address to listen on. Default 127.0.0.1: it knows no users. */
  readonly host?: string
  /** The file that keeps the data; made when it is not there. One process at a time. */
  readonly dataFile: string
  /** Largest data + metadata + type names of one append, bytes. Default 1 MiB, as up to version 25.0. */
  readonly maxAppendBytes?: number
  /** False: ServerFeatures answers UNIMPLEMENTED, and the client appends by unary calls. Default true. */
  readonly batchAppend?: boolean
  /** Which position checkpoints have. Default 'looked-at', as in the newer versions. */
  readonly checkpoints?: CheckpointForm
  /** An append that is not visible by then is answered with a timeout, though it is written. Default 2000, as the server's. */
  readonly writeTimeoutMs?: number
  /** True leaves out fsync: an acknowledged append can then be lost with the machine. Default false. */
  readonly unsafeNoSync?: boolean
  /** What `control.die()` and a `die` fault do. Default: drop everything in this process, as if it had died. */
  readonly onDie?: () => void
}

/** The levers of a running stand-in. */
export interface StandInControl {
  /** Adds a rule by which coming requests go wrong. */
  inject(rule: FaultRule): void
  clearFaults(): void
  /** How many strikes the rules still have. */
  pendingFaults(): number
  /** Lets appends become visible, and be answered, only this much after they are on the disk. 0: at once. */
  setIndexDelay(ms: number): void
  /** Moves the stand-in's clock ahead of the machine's: by it events get their time, and expire. */
  advanceClock(ms: number): void
  /** Removes what is hidden, keeps each stream's last event; returns how many events went. */
  scavenge(): number
  /** Closes every socket without a word; new connections are taken. */
  closeConnections(): void
  /** Ends every subscription cleanly, from the server's side. */
  endSubscriptions(): void
  counts(): RequestCounts
  /** How many sockets are open. */
  connections(): number
  /** Dies without a warning: what is not on the disk is gone. */
  die(): void
}

export interface StandIn extends AsyncDisposable {
  /** For the client: `esdb://<host>:<port>?tls=false`. */
  readonly url: string
  readonly port: number
  readonly control: StandInControl
  /** Stops taking connections, writes what was taken, closes. After `die` it only tidies up. */
  close(): Promise<void>
}

const loopback = '127.0.0.1'

/**
 * Starts the stand-in for EventStoreDB in this process. It is a part of tests and measurements, not a database:
 * `README.md` says what it does and what it does not.
 */
export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  let clockOffsetMs = 0
  const nowMs = (): number => Date.now() + clockOffsetMs
  const timers = new Set<NodeJS.Timeout>()
  const sockets = new Set<Socket>()
  const counts: RequestCounts = {
    batchAppends: 0,
    unaryAppends: 0,
    reads: 0,
    subscriptions: 0,
    eventsSent: 0,
    requiringLeader: 0,
  }
  const faults = createFaults()
  let port = options.port
  let dead = false

  const database: Database = openDatabase({
    dataFile: options.dataFile,
    nowMs,
    unsafeNoSync: options.unsafeNoSync ?? false,
    onFault(error) {
      // Nothing can be acknowledged any more, and a database in this state would stop.
      process.emitWarning(`the EventStoreDB stand-in cannot write ${options.dataFile}: ${error.message}`)
      die()
    },
  })

  const context: ServerContext = {
    database,
    faults,
    counts,
    nowMs,
    maxAppendBytes: options.maxAppendBytes ?? 1024 * 1024,
    writeTimeoutMs: options.writeTimeoutMs ?? 2_000,
    batchAppend: options.batchAppend ?? true,
    checkpoints: options.checkpoints ?? 'looked-at',
    endpoint: () => ({ host: options.host ?? loopback, port }),
    closeConnections,
    die,
    subscriptions: new Set(),
    later(ms, callback) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        if (!dead) callback()
      }, ms)
      timers.add(timer)
    },
  }

  const server = new Server({
    'grpc.max_receive_message_length': 32 * 1024 * 1024,
    'grpc.enable_channelz': 0,
    'grpc.max_concurrent_streams': 10_000,
  })
  const appender = createAppender(context)
  server.addService(StreamsService, {
    read: createRead(context),
    append: createUnaryAppend(context, appender),
    delete: createDelete(context),
    tombstone: createTombstone(context),
    batchAppend: createBatchAppend(context, appender),
  })
  server.addService(ServerFeaturesService, { getSupportedMethods: createSupportedMethods(context) })
  server.addService(GossipService, { read: createGossipRead(context) })

  // The sockets are ours, so that they can be closed without the goodbyes of the protocol.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    injector.injectConnection(socket)
  })
  try {
    listener.listen(options.port, options.host ?? loopback)
    await once(listener, 'listening')
  } catch (error) {
    database.abandon()
    server.forceShutdown()
    throw error
  }
  port = (listener.address() as AddressInfo).port

  function closeConnections(): void {
    for (const socket of sockets) socket.destroy()
  }

  function stop(): void {
    dead = true
    for (const timer of timers) clearTimeout(timer)
    timers.clear()
    listener.close()
    closeConnections()
    server.forceShutdown()
  }

  function die(): void {
    if (dead) return
    if (options.onDie) {
      options.onDie()
      return
    }
    database.abandon()
    stop()
  }

  async function close(): Promise<void> {
    if (dead) return
    await database.close()
    stop()
  }

  return {
    url: `esdb://${options.host ?? loopback}:${port}?tls=false`,
    port,
    control: {
      inject(rule) {
        faults.add(rule)
      },
      clearFaults() {
        faults.clear()
      },
      pendingFaults: () => faults.pending(),
      setIndexDelay(ms) {
        database.index.setDelay(ms)
      },
      advanceClock(ms) {
        clockOffsetMs += ms
      },
      scavenge: () => database.scavenge(),
      closeConnections,
      endSubscriptions() {
        for (const end of [...context.subscriptions]) end()
      },
      counts: () => ({ ...counts }),
      connections: () => sockets.size,
      die,
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
