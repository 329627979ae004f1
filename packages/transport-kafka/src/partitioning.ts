const multiplier = 0x5bd1e995
const seed = 0x9747b28c

/** MurmurHash2 as the Java client computes it, 32 bits, signed. KafkaJS's own works on BigInt and is many times slower. */
export function murmur2(data: Buffer): number {
  const { length } = data
  let hash = seed ^ length
  const whole = length & ~3
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(data.readInt32LE(at), multiplier)
    word = Math.imul(word ^ (word >>> 24), multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  let rest = 0
  for (let at = length - 1; at >= whole; at--) rest = (rest << 8) | (data[at] ?? 0)
  if (whole < length) hash = Math.imul(hash ^ rest, multiplier)
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

/** The partition of a key, as the Java client's and KafkaJS's default partitioners choose it. */
export function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitions
}
