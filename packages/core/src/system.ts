import { randomBytes } from 'node:crypto'
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
const dashesBefore = new Set([4, 6, 8, 10])
const text = Buffer.alloc(36, '-')

/** The UUID of the 16 bytes that stand in the pool, as RFC 9562 writes it; sets its version and variant. */
function uuidAt(at: number, version: number): string {
  const { bytes } = pool
  bytes[at + 6] = ((bytes[at + 6] ?? 0) & 0x0f) | (version << 4)
  bytes[at + 8] = ((bytes[at + 8] ?? 0) & 0x3f) | 0x80
  for (let byte = 0, place = 0; byte < uuidLength; byte++) {
    if (dashesBefore.has(byte)) place++
    const value = bytes[at + byte] ?? 0
    text[place++] = hexDigits[value >> 4] ?? 0
    text[place++] = hexDigits[value & 15] ?? 0
  }
  return text.toString('latin1')
}

/** Random identities from the system's generator. */
export const systemIds: Ids = {
  uuid: () => uuidAt(takeRandom(uuidLength), 4),
  attemptId: (nowMs) => {
    const at = takeRandom(uuidLength)
    pool.bytes.writeUIntBE(nowMs, at, 6)
    return uuidAt(at, 7)
  },
}
