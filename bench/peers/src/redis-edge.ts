/** The HTTP edge of both Redis recipes. Runs with PORT and REDIS_URL; prints `ready`. */
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify'
import { createClient } from 'redis'
import { effects, failBehind, isTooLarge, orderSchema, place, refusal, tenantOf, type Order } from './order.ts'

/** How long a response is kept, seconds: as long as Holdfast keeps one. */
export const keptSeconds = 86_400

export async function connectRedis() {
  return createClient({ url: process.env['REDIS_URL'] ?? '' })
    .on('error', (error: unknown) => {
      console.error(error)
    })
    .connect()
}

/** The name of the Redis key. That it holds tenant and operation costs nothing, and every application should have it so. */
export const nameOf = (operation: string, { tenant, key }: { readonly tenant: string; readonly key: string }): string =>
  `idempotency:${operation}:${tenant}:${key}`

/** The work of an order, and the response that is recorded: its status, and behind it the body. */
export function respond(order: Order): string {
  if (isTooLarge(order)) return `${refusal.status}${JSON.stringify(refusal)}`
  const placed = place(order)
  failBehind(order)
  return `201${JSON.stringify(placed)}`
}

/**
 * Serves `POST /api/order`, and as another operation `POST /api/order-other`, by this recipe. It gets the name of a Redis key,
 * and resolves to the recorded response.
 */
export async function serve(recipe: (name: string, order: Order) => Promise<string>): Promise<void> {
  const route =
    (operation: string) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const key = request.headers['idempotency-key']
      if (typeof key !== 'string' || key === '') return reply.status(400).send({ error: 'Idempotency-Key is missing' })
      const order = orderSchema.safeParse(request.body)
      if (!order.success) return reply.status(400).send({ issues: order.error.issues })
      const response = await recipe(nameOf(operation, { tenant: tenantOf(request.headers), key }), order.data)
      return reply
        .status(Number(response.slice(0, 3)))
        .header('content-type', 'application/json; charset=utf-8')
        .send(response.slice(3))
    }
  const server = fastify()
  server.post('/api/order', route('order'))
  server.post('/api/order-other', route('order-other'))
  server.get('/effects', effects)
  await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
  console.log('ready')
}
