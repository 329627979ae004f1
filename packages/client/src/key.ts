/** 1 to 255 visible ASCII characters: what the contract takes as an idempotency key. */
const keyPattern = /^[\x21-\x7e]{1,255}$/

/** A key for one intent: a UUID v7 (RFC 9562), so that keys sort by the time when they were made. */
export function newKey(nowMs = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(10))
  random[0] = ((random[0] ?? 0) & 0x0f) | 0x70
  random[2] = ((random[2] ?? 0) & 0x3f) | 0x80
  const tail = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const time = nowMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`
}

/** @throws TypeError for what the contract refuses, before anything is sent */
export function assertKey(key: string): void {
  if (!keyPattern.test(key)) throw new TypeError('an idempotency key has 1 to 255 visible ASCII characters')
}

/** The key as the header carries it: an RFC 8941 string, so that every key means itself. */
export const keyHeader = (key: string): string => `"${key.replace(/["\\]/g, '\\$&')}"`
