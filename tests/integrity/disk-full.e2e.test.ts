import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder, until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anOrder, createApi, freshKey } from '../support/api.ts'
import { expectExecuted, expectProblem, expectReplay } from '../support/expectations.ts'
import { refuseFileGrowth } from '../support/file-limit.ts'
import { apps, entries } from '../support/paths.ts'

/** The service with its log in a file, as under a service manager whose log is on the same disk as the data. */
async function startWithLogFile(dataDir: string, logFile: string) {
  await using file = await open(logFile, 'a')
  const child = spawn(process.execPath, [entries.standalone], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOLDFAST_APP: apps.contract,
      HOLDFAST_DATA_DIR: dataDir,
      HOLDFAST_PORT: '0',
    },
    stdio: ['ignore', file.fd, 'ignore'],
  })
  const exited = once(child, 'exit')
  const url = await until(async () => /"url":"([^"]+)"/.exec(await readFile(logFile, 'utf8'))?.[1], { what: 'ready' })
  return {
    url,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM')
      return (await exited) as [number | null, NodeJS.Signals | null]
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await exited
    },
  }
}

describe.runIf(process.platform === 'linux')('a disk that is full', () => {
  test('for the data and the log: 503 meanwhile, nothing is lost, and both go on when there is room again', async () => {
    await using folder = await temporaryFolder()
    const logFile = join(folder.path, 'service.log')
    await using service = await startWithLogFile(join(folder.path, 'data'), logFile)
    const api = createApi([service.url])
    const keys = { before: freshKey(), meanwhile: freshKey() }
    const place = (key: string) => api.post('/api/order', { key, json: anOrder })
    const first = await place(keys.before)
    expectExecuted(first)
    {
      await using _full = await refuseFileGrowth(service.pid)
      expectProblem(await place(keys.meanwhile), 'unavailable')
      expectProblem(await place(keys.meanwhile), 'unavailable')
      expectReplay(await place(keys.before), first)
      expect((await api.get('/livez')).status).toBe(200)
    }
    await until(async () => (await api.get('/readyz')).status === 200, { what: 'the store takes writes again' })
    const placed = await place(keys.meanwhile)
    expect(placed.status).toBe(201)
    expectReplay(await place(keys.meanwhile), placed)
    expectReplay(await place(keys.before), first)
    expect(await service.stop()).toEqual([0, null])
    expect(await readFile(logFile, 'utf8')).toContain('"msg":"stopped"')
  })
})
