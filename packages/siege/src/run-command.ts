import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

/** What may still come after the end: a process left in the background may hold the pipes open for ever. */
const drainMs = 200

/**
 * Runs a command with the shell until it ends, and returns what it wrote to standard output. Processes that it leaves
 * in the background are not waited for.
 *
 * @throws Error with its standard error, when it ends with another code than 0 or takes longer than `timeoutMs`
 */
export async function runCommand(command: string, timeoutMs: number): Promise<string> {
  const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const closed = once(child, 'close')
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  const drained = new Promise((resolve) => setTimeout(resolve, drainMs).unref())
  await Promise.race([closed, drained])
  child.stdout.destroy()
  child.stderr.destroy()
  if (code === 0) return stdout()
  const end = code === null ? `was ended by ${signal ?? 'a signal'}` : `ended with code ${code}`
  throw new Error([`the command ${end}: ${command}`, stderr().trim()].filter((line) => line !== '').join('\n'))
}

function collect(stream: Readable): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}
