/** The floor: a bare Fastify route that validates the same schema and echoes. Run with PORT; prints `ready`. */
import { fastify } from 'fastify'
import { z } from 'zod'
import { maxQuantity } from '../systems/system.ts'

const schema = z.strictObject({ product_id: z.string().min(1).max(100), quantity: z.int().positive() })
const server = fastify()
server.post('/api/order', (request, reply) => {
  const parsed = schema.safeParse(request.body)
  if (!parsed.success) return reply.status(400).send({ issues: parsed.error.issues })
  if (parsed.data.quantity > maxQuantity) return reply.status(409).send({ title: 'Quantity is too large' })
  return reply.status(201).send({ ...parsed.data, status: 'confirmed' })
})
await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
console.log('ready')
