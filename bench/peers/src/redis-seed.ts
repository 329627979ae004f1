/** Fills Redis with the records of so many orders, as both recipes leave them. Run with REDIS_URL; arguments: prefix, keys. */
import { orderBody } from '../../src/systems/system.ts'
import { orderSchema, tenantOf } from './order.ts'
import { connectRedis, keptSeconds, nameOf, respond } from './redis-edge.ts'

/** Written in one go: one answer for each would take minutes. */
const batch = 10_000

const [prefix = '', keys = '0'] = process.argv.slice(2)
const order = orderSchema.parse(JSON.parse(orderBody))
const redis = await connectRedis()
for (let first = 1; first <= Number(keys); first += batch) {
  const pipeline = redis.multi()
  for (let number = first; number < first + batch && number <= Number(keys); number++)
    pipeline.setEx(nameOf('order', { tenant: tenantOf({}), key: `${prefix}-0-${number}` }), keptSeconds, respond(order))
  await pipeline.execAsPipeline()
}
await redis.close()
