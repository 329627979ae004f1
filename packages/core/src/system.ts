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

/** Where in the pool so many random bytes stand: a system call for each id would be the dearest part of it. */
function takeRandom(count: number): number {
  if (pool.at + count > pool.bytes.length) {
    pool.bytes = randomBytes(4096)
    pool.at = 0
  }
  pool.at += count
  return pool.at - count
}

const uuidLength = 16
const hexDigits = Buffer.from('0123456789abcdef')
/** Where the two digits of each byte stand in the text. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const text = Buffer.alloc(36, '-')

/** The UUID of version 7 of the 16 bytes that stand in the pool, as RFC 9562 writes it; sets its version and variant. */
function uuidAt(at: number): string {
  const { bytes } = pool
  bytes[at + 6] = ((bytes[at + 6] ?? 0) & 0x0f) | 0x70
  bytes[at + 8] = ((bytes[at + 8] ?? 0) & 0x3f) | 0x80
  for (let byte = 0; byte < uuidLength; byte++) {
    const value = bytes[at + byte] ?? 0
    const place = places[byte] ?? 0
    text[place] = hexDigits[value >> 4] ?? 0
    text[place + 1] = hexDigits[value & 15] ?? 0
  }
  return text.toString('latin1')
}

/** Random identities from the system's generator. */
export const systemIds: Ids = {
  uuid: () => randomUUID(),
  attemptId: (nowMs) => {
    const at = takeRandom(uuidLength)
    pool.bytes.writeUIntBE(nowMs, at, 6)
    return uuidAt(at)
  },
}
