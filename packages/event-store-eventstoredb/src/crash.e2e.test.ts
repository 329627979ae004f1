import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { NewEvent } from '@holdfast/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEventStoreDbEventStore } from './create-event-store.ts'
import { codeOf, follow, idsOf, newEvents, readAll, unique, until } from './kit.test.ts'

const standIn = fileURLToPath(import.meta.resolve('@holdfast/testing/eventstore-stand-in'))
const main = path.join(path.dirname(standIn), 'main.ts')
let folder: string
let running: ChildProcess | undefined

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-crash-'))
})
afterEach(async () => {
  await kill()
  await rm(folder, { recursive: true, force: true })
})

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function start(port: number): Promise<void> {
  const args = [main, '--port', String(port), '--data', path.join(folder, 'events.log')]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  running = child
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
  await until('the server', () => output.includes('ready'))
}

async function kill(): Promise<void> {
  const child = running
  running = undefined
  if (child?.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

test('the server process is killed under load, three times: one effect per key, nothing acknowledged is lost, no gap', async () => {
  const port = await freePort()
  await start(port)
  const store = createEventStoreDbEventStore({
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    appendTimeoutMs: 1_000,
    resolveTimeoutMs: 1_000,
    readTimeoutMs: 1_000,
    maxBackOffMs: 200,
  })
  const base = unique('crash')
  await using following = follow(store, { prefix: base })
  const written = new Map<string, readonly NewEvent[]>()
  const faults = new Set<unknown>()
  let stopped = false
  const writers = Array.from({ length: 32 }, async (_, writer) => {
    for (let n = 0; !stopped; n += 1) {
      const stream = `${base}-${writer}-${n}`
      const events = newEvents(2)
      // Like a caller that never stops retrying: the same ids, until the answer is definite.
      for (;;) {
        const result = await codeOf(store.append(stream, events, 'no_stream'))
        if (typeof result === 'object') {
          expect(result).toMatchObject({ kind: 'appended', revision: 1n })
          break
        }
        faults.add(result)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      written.set(stream, events)
    }
  })
  for (let round = 0; round < 3; round += 1) {
    const before = written.size
    await until('many appends', () => written.size > before + 300)
    await kill()
    await start(port)
  }
  const before = written.size
  await until('more appends', () => written.size > before + 300)
  stopped = true
  await Promise.all(writers)
  for (const fault of faults) expect(['unavailable', 'unknown-outcome']).toContain(fault)
  for (const [stream, events] of written) expect(idsOf(await readAll(store, stream))).toEqual(idsOf(events))
  await until('all events', () => following.events.length >= written.size * 2 || following.failure() !== undefined)
  expect(following.failure()).toBeUndefined()
  const seen = idsOf(following.events)
  expect(new Set(seen).size).toBe(seen.length)
  expect(new Set(seen)).toEqual(new Set([...written.values()].flatMap(idsOf)))
  await store.close()
})
