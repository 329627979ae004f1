import { fastify, type FastifyReply, type FastifyRequest } from 'fastify'
import { maxQuantity, orderSchema, type Order } from '../systems/system.ts'

/** A bare Fastify route that validates orders; `confirm` answers those that are right. Run with PORT; prints `ready`. */
export async function serveOrders(
  confirm: (order: Order, request: FastifyRequest, reply: FastifyReply) => unknown,
): Promise<void> {
  const server = fastify()
  server.post('/api/order', (request, reply) => {
    const parsed = orderSchema.safeParse(request.body)
    if (!parsed.success) return reply.status(400).send({ issues: parsed.error.issues })
    if (parsed.data.quantity > maxQuantity) return reply.status(409).send({ title: 'Quantity is too large' })
    return confirm(parsed.data, request, reply)
  })
  await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
  console.log('ready')
}
