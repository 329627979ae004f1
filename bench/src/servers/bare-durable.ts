/**
 * The floor of durable answers: a bare Fastify route that validates the same schema, and answers when a row with key and
 * answer is synced to the disk. Group commit in a thread; no look-up, no retries, no history. Run with PORT and DATABASE;
 * prints `ready`.
 */
import { Worker } from 'node:worker_threads'
import { fastify } from 'fastify'
import { z } from 'zod'
import { maxQuantity } from '../systems/system.ts'
import { placeOf, type Row } from './durable-rows.ts'

const schema = z.strictObject({ product_id: z.string().min(1).max(100), quantity: z.int().positive() })
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

const server = fastify()
server.post('/api/order', async (request, reply) => {
  const parsed = schema.safeParse(request.body)
  if (!parsed.success) return reply.status(400).send({ issues: parsed.error.issues })
  if (parsed.data.quantity > maxQuantity) return reply.status(409).send({ title: 'Quantity is too large' })
  const key = String(request.headers['idempotency-key'])
  const answer = JSON.stringify({ ...parsed.data, status: 'confirmed' })
  await durable({ key, place: placeOf(key), answer })
  return reply.status(201).type('application/json; charset=utf-8').send(answer)
})
await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
console.log('ready')
