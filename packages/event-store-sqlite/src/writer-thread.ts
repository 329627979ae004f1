import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { openWriter } from './connections.ts'
import { faultOf, isDiskFull } from './faults.ts'
import { CommitError, createGroupWriter } from './group-writer.ts'
import type { GroupWriter } from './group-writer.ts'
import type { WriteGroup, WriterMessage, WriterOrder } from './protocol.ts'

/** The thread that writes, one transaction at a time, until it is told to close or a fault ends it: see writer.ts. */

const { path } = workerData as { readonly path: string }
const port = parentPort ?? notAThread()

function notAThread(): never {
  throw new Error('this file runs as a thread only')
}

const send = (message: WriterMessage): void => {
  port.postMessage(message)
}

/** Takes all that has arrived. */
function ordersFrom(first: WriterOrder): WriterOrder[] {
  const orders = [first]
  for (;;) {
    const next = receiveMessageOnPort(port) as { message: WriterOrder } | undefined
    if (next === undefined) return orders
    orders.push(next.message)
  }
}

/** True when the writer can go on. After a fault whose extent is unknown the next thread opens the database afresh. */
function write(writer: GroupWriter, groups: readonly WriteGroup[]): boolean {
  try {
    send(writer.write(groups))
    return true
  } catch (error) {
    const duringCommit = error instanceof CommitError
    const reason = duringCommit ? error.cause : error
    const ending = !isDiskFull(reason)
    send({ kind: 'failed', groups: groups.length, fault: faultOf(reason, { path, duringCommit }), ending })
    return !ending
  }
}

function open(): GroupWriter | undefined {
  try {
    return createGroupWriter(openWriter(path))
  } catch (error) {
    const reason = error instanceof CommitError ? error.cause : error
    send({ kind: 'not-opened', fault: faultOf(reason, { path }) })
    return undefined
  }
}

const writer = open()
if (writer !== undefined) {
  port.on('message', (first: WriterOrder) => {
    const orders = ordersFrom(first)
    const groups = orders.flatMap((order) => (order.kind === 'write' ? [order.group] : []))
    const goesOn = groups.length === 0 || write(writer, groups)
    if (goesOn && groups.length === orders.length) return
    port.close()
    writer.close()
  })
  send({ kind: 'ready', head: writer.head() })
}
