/**
 * The floor of durable answers: a bare Fastify route that validates the same schema, and answers when a row with key and
 * answer is synced to the disk. Group commit in a thread; no look-up, no retries, no history. Run with PORT and DATABASE;
 * prints `ready`.
 */
import { placeOf } from './durable-rows.ts'
import { startDurableRows } from './durable-rows-writer.ts'
import { serveOrders } from './serve-orders.ts'

const durable = startDurableRows({ path: process.env['DATABASE'] ?? '', indexed: true })

await serveOrders(async (order, request, reply) => {
  const key = String(request.headers['idempotency-key'])
  const answer = JSON.stringify({ ...order, status: 'confirmed' })
  await durable({ key, place: placeOf(key), answer })
  return reply.status(201).type('application/json; charset=utf-8').send(answer)
})
