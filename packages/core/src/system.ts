import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock, Ids } from './ports/clock.ts'

/** The system's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve()
        return
      }
      const timer = setTimeout(done, ms)
      timer.unref()
      signal?.addEventListener('abort', done, { once: true })
      function done(): void {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
    }),
  schedule: (ms, callback) => {
    const timer = setTimeout(callback, ms)
    timer.unref()
    return () => {
      clearTimeout(timer)
    }
  },
}

const pool = { bytes: Buffer.alloc(0), at: 0 }

/** Ten random bytes from a pool: a system call for each id would be the dearest part of it. */
function takeRandom(count: number): Buffer {
  if (pool.at + count > pool.bytes.length) {
    pool.bytes = randomBytes(4096)
    pool.at = 0
  }
  pool.at += count
  return pool.bytes.subarray(pool.at - count, pool.at)
}

/** Random identities from the system's generator. */
export const systemIds: Ids = {
  uuid: () => randomUUID(),
  attemptId: (nowMs) => {
    const random = takeRandom(10)
    random[0] = ((random[0] ?? 0) & 0x0f) | 0x70
    random[2] = ((random[2] ?? 0) & 0x3f) | 0x80
    const time = nowMs.toString(16).padStart(12, '0')
    const tail = random.toString('hex')
    return `${time.slice(0, 8)}-${time.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`
  },
}
