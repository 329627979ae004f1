/** The orders as DBOS workflows behind Fastify. Runs with PORT and DBOS_SYSTEM_DATABASE_URL; prints `ready`. */
import { DBOS, Error as DbosErrors } from '@dbos-inc/dbos-sdk'
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify'
import { effects, orderSchema, place, type Order } from './order.ts'

type Placed = ReturnType<typeof place>

const withOneStep = DBOS.registerWorkflow(
  (order: Order): Promise<Placed> => DBOS.runStep(async () => place(order), { name: 'place-order' }),
  { name: 'one-step-order' },
)

const withThreeSteps = DBOS.registerWorkflow(
  async (order: Order): Promise<Placed> => {
    await DBOS.runStep(async () => ({ reserved: order.product_id }), { name: 'reserve-stock' })
    await DBOS.runStep(async () => ({ amount: order.quantity * 1_999 }), { name: 'charge-card' })
    return DBOS.runStep(async () => place(order), { name: 'create-label' })
  },
  { name: 'three-step-order' },
)

/** Starts the workflow under the key, or finds the one that was, and waits for its result. */
const route =
  (workflow: (order: Order) => Promise<Placed>) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string' || key === '') return reply.status(400).send({ error: 'Idempotency-Key is missing' })
    const order = orderSchema.safeParse(request.body)
    if (!order.success) return reply.status(400).send({ issues: order.error.issues })
    try {
      const handle = await DBOS.startWorkflow(workflow, { workflowID: key })(order.data)
      return await reply.status(201).send(await handle.getResult())
    } catch (error) {
      // The id belongs to a workflow of the other kind.
      if (error instanceof DbosErrors.DBOSConflictingWorkflowError)
        return reply.status(409).send({ error: error.message })
      throw error
    }
  }

DBOS.setConfig({
  name: 'holdfast-bench',
  applicationVersion: '1',
  systemDatabaseUrl: process.env['DBOS_SYSTEM_DATABASE_URL'] ?? '',
  logLevel: 'warn',
})
await DBOS.launch()
const server = fastify()
server.post('/api/order-one', route(withOneStep))
server.post('/api/order-three', route(withThreeSteps))
server.get('/effects', effects)
await server.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
console.log('ready')
