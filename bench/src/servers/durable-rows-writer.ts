import { Worker } from 'node:worker_threads'
import type { DurableRowsOptions, Row } from './durable-rows.ts'

type Wake = () => void

/** Starts a thread that writes rows, what comes together in one transaction. A row is synced to the disk when its promise resolves. */
export function startDurableRows(workerData: DurableRowsOptions): (row: Row) => Promise<void> {
  const thread = new Worker(new URL('./durable-rows-thread.ts', import.meta.url), { workerData })
  let rows: Row[] = []
  let waiting: Wake[] = []
  /** Who waits for each message that the thread has, the oldest first. */
  const underWay: Wake[][] = []

  thread.on('message', (messages: number) => {
    for (const wake of underWay.splice(0, messages).flat()) wake()
  })

  function send(): void {
    underWay.push(waiting)
    thread.postMessage(rows)
    rows = []
    waiting = []
  }

  return (row) =>
    new Promise((resolve) => {
      waiting.push(resolve)
      if (rows.push(row) === 1) setImmediate(send)
    })
}
