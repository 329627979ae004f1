import type { CommandId } from './brands.ts'

interface Entry<Value, Key> {
  readonly key: Key
  readonly value: Value
  next: Entry<Value, Key> | undefined
}

/** 12 bits: with thousands of keys at a time, a bucket holds one or two. */
const buckets = 4096

/**
 * A value for each key that is under way: many come and go, few are there at a time. For keys that end in hexadecimal digits as
 * good as random: command ids, names of their streams, UUIDs; right for any others, if slower.
 *
 * Not a `Map`: V8 makes a new table after so many changes, and the old one, once it has grown old, holds all that was in it and
 * the table behind it until the next full collection. So each request would be moved to the old generation; that doubled the
 * garbage collector's work. Here the table stays, and an entry that is removed lets go of the others.
 */
export class KeyTable<Value, Key extends string = CommandId> {
  readonly #buckets = new Array<Entry<Value, Key> | undefined>(buckets).fill(undefined)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: Key): Value | undefined {
    let entry = this.#buckets[bucketOf(key)]
    while (entry !== undefined && entry.key !== key) entry = entry.next
    return entry?.value
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined
  }

  /** Puts a value in the place of what is there. */
  set(key: Key, value: Value): void {
    this.delete(key)
    const bucket = bucketOf(key)
    this.#buckets[bucket] = { key, value, next: this.#buckets[bucket] }
    this.#size++
  }

  /** True when it was there. With `value`: only if that is what is there. */
  delete(key: Key, value?: Value): boolean {
    const bucket = bucketOf(key)
    let before: Entry<Value, Key> | undefined
    let entry = this.#buckets[bucket]
    while (entry !== undefined && entry.key !== key) {
      before = entry
      entry = entry.next
    }
    if (entry === undefined || (value !== undefined && entry.value !== value)) return false
    if (before === undefined) this.#buckets[bucket] = entry.next
    else before.next = entry.next
    entry.next = undefined
    this.#size--
    return true
  }

  values(): readonly Value[] {
    const values: Value[] = []
    for (let entry of this.#buckets) for (; entry !== undefined; entry = entry.next) values.push(entry.value)
    return values
  }
}

const bucketOf = (key: string): number =>
  (digitAt(key, key.length - 1) << 8) | (digitAt(key, key.length - 2) << 4) | digitAt(key, key.length - 3)

/** The value of a hexadecimal digit; 0 where there is none. */
const digitAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  return ((code & 15) + (code >> 6) * 9) & 15
}
