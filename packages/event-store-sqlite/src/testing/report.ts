import { writeSync } from 'node:fs'
import type { Report } from './kit.ts'

/** Reports at once: the line has left the process when this returns, whatever becomes of the process. */
export function report(line: Report): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
  for (let at = 0; at < bytes.length;) at += writeSome(bytes.subarray(at))
}

/** The pipe does not block: when it is full, 0 bytes are written. */
function writeSome(bytes: Buffer): number {
  try {
    return writeSync(1, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
    throw error
  }
}
