import type { CommandId } from './brands.ts'

interface Entry<Value> {
  readonly commandId: CommandId
  readonly value: Value
  next: Entry<Value> | undefined
}

/** 12 bits of the command id: with thousands of keys at a time, a bucket holds one or two. */
const buckets = 4096

/**
 * A value for each key that is under way: many come and go, few are there at a time.
 *
 * Not a `Map`: V8 makes a new table after so many changes, and the old one, once it has grown old, holds all that was in it and
 * the table behind it until the next full collection. So each request would be moved to the old generation; that doubled the
 * garbage collector's work. Here the table stays, and an entry that is removed lets go of the others.
 */
export class KeyTable<Value> {
  readonly #buckets = new Array<Entry<Value> | undefined>(buckets).fill(undefined)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(commandId: CommandId): Value | undefined {
    let entry = this.#buckets[bucketOf(commandId)]
    while (entry !== undefined && entry.commandId !== commandId) entry = entry.next
    return entry?.value
  }

  has(commandId: CommandId): boolean {
    return this.get(commandId) !== undefined
  }

  /** Puts a value in the place of what is there. */
  set(commandId: CommandId, value: Value): void {
    this.delete(commandId)
    const bucket = bucketOf(commandId)
    this.#buckets[bucket] = { commandId, value, next: this.#buckets[bucket] }
    this.#size++
  }

  /** With `value`: only if that is what is there. */
  delete(commandId: CommandId, value?: Value): void {
    const bucket = bucketOf(commandId)
    let before: Entry<Value> | undefined
    let entry = this.#buckets[bucket]
    while (entry !== undefined && entry.commandId !== commandId) {
      before = entry
      entry = entry.next
    }
    if (entry === undefined || (value !== undefined && entry.value !== value)) return
    if (before === undefined) this.#buckets[bucket] = entry.next
    else before.next = entry.next
    entry.next = undefined
    this.#size--
  }

  values(): readonly Value[] {
    const values: Value[] = []
    for (let entry of this.#buckets) for (; entry !== undefined; entry = entry.next) values.push(entry.value)
    return values
  }
}

const bucketOf = (commandId: CommandId): number =>
  (digitAt(commandId, 0) << 8) | (digitAt(commandId, 1) << 4) | digitAt(commandId, 2)

/** The value of a hexadecimal digit: a command id is a hash, and its digits are as good as random. */
const digitAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  return ((code & 15) + (code >> 6) * 9) & 15
}
