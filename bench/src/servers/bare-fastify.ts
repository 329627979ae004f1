/** The floor: a bare Fastify route that validates the same schema and echoes. Run with PORT; prints `ready`. */
import { fastify } from 'fastify'
import { z } from 'zod'

const schema = z.strictObject({ product_id: z.string().min(1).max(100), quantity: z.int().positive() })
const server = fastify()
server.post('/api/order', (request, reply) => {
  const parsed = schema.safeParse(request.body)
  return parsed.success
    ? reply.status(201).send({ ...parsed.data, status: 'confirmed' })
    : reply.status(400).send({ issues: parsed.error.issues })
})
await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
console.log('ready')
