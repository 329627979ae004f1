import { parentPort, workerData } from 'node:worker_threads'
import { faultOf } from './faults.ts'
import { openWriter } from './open-database.ts'
import type { WriteAnswer, WriteOrder } from './protocol.ts'
import { createWriteOperations } from './write-operations.ts'

/** The thread that writes, one transaction after the other: see writer.ts. */

const { path } = workerData as { readonly path: string }
const port = parentPort ?? notAThread()

function notAThread(): never {
  throw new Error('this file runs as a thread only')
}

const answer = (message: WriteAnswer): void => {
  port.postMessage(message)
}

const database = openWriter(path)
const write = createWriteOperations(database)

port.on('message', (order: WriteOrder) => {
  if (order.kind === 'close') {
    port.close()
    database.close()
    return
  }
  try {
    answer({ kind: 'done', result: write(order) })
  } catch (error) {
    answer({ kind: 'failed', fault: faultOf(error, path) })
  }
})
