/** The floor: a bare Fastify route that validates the same schema and echoes. Run with PORT; prints `ready`. */
import { serveOrders } from './serve-orders.ts'

await serveOrders((order, _request, reply) => reply.status(201).send({ ...order, status: 'confirmed' }))
