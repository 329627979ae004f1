import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { openDurableRows, type DurableRowsOptions, type Row } from './durable-rows.ts'

/** Writes all rows that have arrived in one transaction, and answers with the number of messages that were in it. */
const port = parentPort
if (port === null) throw new Error('this file runs as a thread only')
const rows = openDurableRows(workerData as DurableRowsOptions)
port.on('message', (first: readonly Row[]) => {
  const batches = [first]
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
    batches.push((next as { readonly message: readonly Row[] }).message)
  rows.insert(batches.flat())
  port.postMessage(batches.length)
})
