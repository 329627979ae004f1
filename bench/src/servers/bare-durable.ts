/**
 * The floor of durable answers: a bare Fastify route that validates the same schema, and answers when a row with key and
 * answer is synced to the disk. Group commit in a thread; no look-up, no retries, no history. Run with PORT and DATABASE;
 * prints `ready`.
 */
import { Worker } from 'node:worker_threads'
import { placeOf, type Row } from './durable-rows.ts'
import { serveOrders } from './serve-orders.ts'

const thread = new Worker(new URL('./bare-durable-thread.ts', import.meta.url), {
  workerData: { path: process.env['DATABASE'] },
})

type Wake = () => void
let rows: Row[] = []
let waiting: Wake[] = []
/** Who waits for each message that the thread has, the oldest first. */
const underWay: Wake[][] = []

thread.on('message', (messages: number) => {
  for (const wake of underWay.splice(0, messages).flat()) wake()
})

function durable(row: Row): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (rows.push(row) === 1) setImmediate(send)
  })
}

function send(): void {
  underWay.push(waiting)
  thread.postMessage(rows)
  rows = []
  waiting = []
}

await serveOrders(async (order, request, reply) => {
  const key = String(request.headers['idempotency-key'])
  const answer = JSON.stringify({ ...order, status: 'confirmed' })
  await durable({ key, place: placeOf(key), answer })
  return reply.status(201).type('application/json; charset=utf-8').send(answer)
})
