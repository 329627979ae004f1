/**
 * The floor of recorded answers: a bare Fastify route that validates the same schema, names the stream and the request by their
 * SHA-256, and answers when an event with all that Holdfast's has is synced to the disk. Group commit in a thread; nothing
 * finds the event again. Run with PORT and DATABASE; prints `ready`.
 */
import { hash, randomUUID } from 'node:crypto'
import { startDurableRows } from './durable-rows-writer.ts'
import { serveOrders } from './serve-orders.ts'

const durable = startDurableRows({ path: process.env['DATABASE'] ?? '', indexed: false })
const lifetimeMs = 86_400_000

await serveOrders(async (order, request, reply) => {
  const receivedAtMs = Date.now()
  const key = String(request.headers['idempotency-key'])
  const attemptId = randomUUID()
  const answer = JSON.stringify({ order_id: attemptId, ...order, status: 'confirmed' })
  const type = 'application/json; charset=utf-8'
  const envelope = {
    command: 'order.place',
    tenant: 'default',
    key,
    requestId: randomUUID(),
    receivedAtMs,
    seed: receivedAtMs % 2 ** 31,
    input: order,
  }
  const outcome = {
    kind: 'succeeded',
    response: { status: 201, headers: { 'content-type': type }, body: answer },
    completedAtMs: receivedAtMs,
    expiresAtMs: receivedAtMs + lifetimeMs,
    attempts: 1,
  }
  const fingerprint = hash('sha256', JSON.stringify(order), 'hex')
  const metadata = JSON.stringify({ v: 1, generation: 1, fingerprint, attemptId, envelope, outcome })
  const stream = `command-${hash('sha256', `default ${key}`, 'hex')}`
  await durable({
    key: `${stream} ${randomUUID()} OrderPlaced`,
    place: 0,
    answer: JSON.stringify({ order_id: attemptId, ...order }) + metadata,
  })
  return reply.status(201).type(type).send(answer)
})
