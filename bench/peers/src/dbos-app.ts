/** The orders as DBOS workflows behind Fastify. Runs with PORT and DBOS_SYSTEM_DATABASE_URL; prints `ready`. */
import { DBOS, Error as DbosErrors } from '@dbos-inc/dbos-sdk'
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify'
import { effects, failBehind, isTooLarge, orderSchema, place, refusal, tenantOf, type Order } from './order.ts'

type Placed = ReturnType<typeof place>
/** A refusal is a result like any other: DBOS records it, and every retry gets it. */
type Result = Placed | typeof refusal

const withOneStep = DBOS.registerWorkflow(
  async (order: Order): Promise<Result> => {
    if (isTooLarge(order)) return refusal
    const placed = await DBOS.runStep(async () => place(order), { name: 'place-order' })
    failBehind(order)
    return placed
  },
  { name: 'one-step-order' },
)

const withThreeSteps = DBOS.registerWorkflow(
  async (order: Order): Promise<Result> => {
    if (isTooLarge(order)) return refusal
    await DBOS.runStep(async () => ({ reserved: order.product_id }), { name: 'reserve-stock' })
    await DBOS.runStep(async () => ({ amount: order.quantity * 1_999 }), { name: 'charge-card' })
    const placed = await DBOS.runStep(async () => place(order), { name: 'create-label' })
    failBehind(order)
    return placed
  },
  { name: 'three-step-order' },
)

/** Starts the workflow under the key, or finds the one that was, and waits for its result. */
const route =
  (workflow: (order: Order) => Promise<Result>) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string' || key === '') return reply.status(400).send({ error: 'Idempotency-Key is missing' })
    const order = orderSchema.safeParse(request.body)
    if (!order.success) return reply.status(400).send({ issues: order.error.issues })
    try {
      const workflowID = `${tenantOf(request.headers)}/${key}`
      const handle = await DBOS.startWorkflow(workflow, { workflowID })(order.data)
      const result = await handle.getResult()
      return await reply.status(result.status === 409 ? 409 : 201).send(result)
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
