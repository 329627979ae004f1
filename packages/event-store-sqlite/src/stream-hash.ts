import { hash } from 'node:crypto'

const commandStreamLength = 'command-'.length + 64
const half = 2 ** 47

/** A new key's stream is asked for several times in one turn of the event loop. */
let lastAsked = { stream: '', number: numberOf('') }

/**
 * A 48-bit number for a stream's name, signed: the largest that SQLite keeps in 6 bytes. It makes the index of streams
 * a quarter of what it would be over the names themselves. Two names may share a number, and every query compares the
 * name too. The hash that a command stream's name holds is used as it is.
 */
export function streamHash(stream: string): number {
  if (stream !== lastAsked.stream) lastAsked = { stream, number: numberOf(stream) }
  return lastAsked.number
}

function numberOf(stream: string): number {
  if (stream.length === commandStreamLength && stream.startsWith('command-')) {
    const number = Number.parseInt(stream.slice(8, 20), 16)
    // What is no such name may be NaN, or read as a negative number.
    if (number >= 0) return number - half
  }
  return Number.parseInt(hash('sha256', stream, 'hex').slice(0, 12), 16) - half
}
