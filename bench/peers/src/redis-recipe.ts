/** The article's recipe: GET, process, SETEX. Two attempts at one time both process. */
import { place } from './order.ts'
import { connectRedis, keptSeconds, serve } from './redis-edge.ts'

const redis = await connectRedis()

await serve(async (key, order) => {
  const recorded = await redis.get(`idempotency:${key}`)
  if (recorded !== null) return recorded
  const response = JSON.stringify(place(order))
  await redis.setEx(`idempotency:${key}`, keptSeconds, response)
  return response
})
