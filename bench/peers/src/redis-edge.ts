/** The HTTP edge of both Redis recipes. Runs with PORT and REDIS_URL; prints `ready`. */
import { fastify } from 'fastify'
import { createClient } from 'redis'
import { effects, orderSchema, type Order } from './order.ts'

/** How long a response is kept, seconds: as long as Holdfast keeps one. */
export const keptSeconds = 86_400

export async function connectRedis() {
  return createClient({ url: process.env['REDIS_URL'] ?? '' })
    .on('error', (error: unknown) => {
      console.error(error)
    })
    .connect()
}

/** Serves `POST /api/order` by this recipe, which resolves to the body of the response. */
export async function serve(recipe: (key: string, order: Order) => Promise<string>): Promise<void> {
  const server = fastify()
  server.post('/api/order', async (request, reply) => {
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string' || key === '') return reply.status(400).send({ error: 'Idempotency-Key is missing' })
    const order = orderSchema.safeParse(request.body)
    if (!order.success) return reply.status(400).send({ issues: order.error.issues })
    return reply
      .status(201)
      .header('content-type', 'application/json; charset=utf-8')
      .send(await recipe(key, order.data))
  })
  server.get('/effects', effects)
  await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
  console.log('ready')
}
