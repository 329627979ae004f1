/** The recipe made safe against attempts at one time: a lock with a token takes the response's place until it is there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connectRedis, keptSeconds, respond, serve } from './redis-edge.ts'

const lockMs = 10_000
const pollMs = 10
const lockPrefix = 'locked:'

const redis = await connectRedis()
/** Only the holder of the lock may put the response in its place: the lock may have expired, and be another's. */
const complete = await redis.scriptLoad(
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end return false",
)
/** As careful: what fails lets go of the lock, so that a retry need not wait until that expires. */
const release = await redis.scriptLoad(
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
)

await serve(async (name, order) => {
  const lock = `${lockPrefix}${crypto.randomUUID()}`
  for (;;) {
    const found = await redis.set(name, lock, { condition: 'NX', GET: true, expiration: { type: 'PX', value: lockMs } })
    if (found === null) break
    if (!found.startsWith(lockPrefix)) return found
    await sleep(pollMs)
  }
  let response: string
  try {
    response = respond(order)
  } catch (error) {
    await redis.evalSha(release, { keys: [name], arguments: [lock] })
    throw error
  }
  const done = await redis.evalSha(complete, { keys: [name], arguments: [lock, response, String(keptSeconds)] })
  if (done === null) throw new Error('the lock was lost')
  return response
})
