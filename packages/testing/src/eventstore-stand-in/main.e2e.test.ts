import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { EventStoreDBClient, NO_STREAM } from '@eventstore/db-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { appendTo, failureOf, readOf, revisionsOf, someEvents, unique, until } from './table-kit.ts'

const main = path.join(import.meta.dirname, 'main.ts')
let folder: string
const running: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'holdfast-stand-in-'))
})
afterEach(async () => {
  for (const child of running.splice(0)) await stop(child)
  await rm(folder, { recursive: true, force: true })
})

interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly controlUrl: string
}

async function start(): Promise<Started> {
  const args = [main, '--port', '0', '--data', path.join(folder, 'events.log'), '--control-port', '0']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(child)
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
  await until('the ready line', () => output.includes('\n'))
  const [, url, controlUrl] = /ready at (esdb:\S+), control (http:\S+)/.exec(output) ?? []
  expect(output).toContain('a test part, not a database')
  return { child, url: url ?? '', controlUrl: controlUrl ?? '' }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

const control = async (started: Started, request: string, body?: object): Promise<unknown> => {
  const [method = 'GET', route = '/'] = request.split(' ')
  const response = await fetch(started.controlUrl + route, { method, ...(body && { body: JSON.stringify(body) }) })
  return { status: response.status, ...((await response.json()) as object) }
}

describe('the stand-in as a process', () => {
  test('an acknowledged append is never lost: kill -9 in the middle of them, twice', async () => {
    const acknowledged: string[] = []
    for (const round of [1, 2]) {
      const { child, url } = await start()
      const client = EventStoreDBClient.connectionString(url)
      let stopped = false
      const before = acknowledged.length
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let n = 0; !stopped; n += 1) {
          const stream = unique(`round-${round}-${writer}-${n}`)
          await appendTo({ client }, stream, { events: someEvents(2), expected: NO_STREAM })
          acknowledged.push(stream)
        }
      })
      const settled = Promise.allSettled(writers)
      await until('many appends', () => acknowledged.length > before + 500)
      await stop(child)
      stopped = true
      await client.dispose()
      await settled
    }
    const { url } = await start()
    const client = EventStoreDBClient.connectionString(url)
    for (const stream of acknowledged) expect(revisionsOf(await readOf({ client }, stream))).toEqual([0n, 1n])
    await client.dispose()
  })

  test('SIGTERM: it answers what it took, and ends with 0', async () => {
    const { child, url } = await start()
    const client = EventStoreDBClient.connectionString(url)
    await appendTo({ client }, unique('before'), { events: someEvents(1), expected: NO_STREAM })
    await stop(child, 'SIGTERM')
    expect(child.exitCode).toBe(0)
    await client.dispose()
  })

  test('its levers work over HTTP', async () => {
    const started = await start()
    const client = EventStoreDBClient.connectionString(started.url)
    const append = (stream: string): ReturnType<typeof appendTo> =>
      appendTo({ client }, stream, { events: someEvents(1), expected: NO_STREAM })
    const rule = { rpc: 'append', stream: 'refused-', fault: { kind: 'not-ready' } }
    expect(await control(started, 'POST /faults', rule)).toEqual({ status: 200, pendingFaults: 1 })
    expect(await failureOf(append(unique('refused')))).toMatchObject({ type: 'unknown' })
    expect(await append(unique('refused'))).toMatchObject({ success: true })
    expect(await control(started, 'GET /status')).toMatchObject({ status: 200, pendingFaults: 0, batchAppends: 2 })
    await control(started, 'POST /faults', rule)
    expect(await control(started, 'DELETE /faults')).toEqual({ status: 200 })
    expect(await control(started, 'POST /scavenge')).toEqual({ status: 200, removed: 0 })
    expect(await control(started, 'POST /clock', { ms: 1_000 })).toEqual({ status: 200 })
    expect(await control(started, 'POST /index-delay', { ms: 0 })).toEqual({ status: 200 })
    expect(await control(started, 'POST /clock', { minutes: 1 })).toMatchObject({ status: 400 })
    expect(await control(started, 'POST /nothing')).toMatchObject({ status: 404 })
    const exited = once(started.child, 'exit')
    await control(started, 'POST /die').catch(() => undefined)
    expect(await exited).toEqual([null, 'SIGKILL'])
    await client.dispose()
  })
})
