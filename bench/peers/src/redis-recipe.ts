/** The article's recipe: GET, process, SETEX. Two attempts at one time both process. */
import { connectRedis, keptSeconds, respond, serve } from './redis-edge.ts'

const redis = await connectRedis()

await serve(async (name, order) => {
  const recorded = await redis.get(name)
  if (recorded !== null) return recorded
  const response = respond(order)
  await redis.setEx(name, keptSeconds, response)
  return response
})
