import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runToExit, temporaryFolder } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { anOrder, createApi, freshKey } from '../support/api.ts'
import { startStandaloneProcess } from '../support/embedded.ts'
import { expectExecuted } from '../support/expectations.ts'
import { apps, entries } from '../support/paths.ts'

/** The lines that a process wrote to standard error, without what Node itself warns of. */
const errorLines = (stderr: string): readonly string[] =>
  stderr.split('\n').filter((line) => line !== '' && !/^\(node:\d+\)|^\(Use `node/.test(line))

describe('a start that must not succeed', () => {
  test('a second process on the same data is refused, with one line that names the folder and the process', async () => {
    await using folder = await temporaryFolder()
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const second = await runToExit({
      entry: entries.standalone,
      env: { HOLDFAST_PORT: '0', HOLDFAST_APP: apps.contract, HOLDFAST_DATA_DIR: folder.path },
    })
    expect(second.code).toBe(1)
    expect(second.stdout).not.toContain('"ready"')
    const [line, ...more] = errorLines(second.stderr)
    expect(more).toEqual([])
    expect(line).toContain(folder.path)
    expect(line).toMatch(new RegExp(`\\b${service.pid}\\b`))
    // The first one is not disturbed.
    expectExecuted(await createApi([service.url]).post('/api/order', { key: freshKey(), json: anOrder }))
  })

  test('the data is free again once its process is gone, even by `kill -9`', async () => {
    await using folder = await temporaryFolder()
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
      service.kill(signal)
      await service.exited
    }
  })

  test.each([
    ['HOLDFAST_PORT', '70000', '0 to 65535'],
    ['HOLDFAST_PORT', 'http', 'whole number'],
    ['HOLDFAST_MAX_BODY_BYTES', '12', '1024'],
    ['HOLDFAST_MAX_IN_FLIGHT', '0', 'from 1'],
    ['HOLDFAST_LOG_LEVEL', 'chatty', 'one of fatal, error'],
    ['HOLDFAST_WAIT_MS', '10s', 'milliseconds'],
    ['HOLDFAST_HOST', 'not a host', 'host name'],
    ['HOLDFAST_APP', './no-such-app.ts', 'cannot be loaded'],
  ])('%s=%s: one line names the variable, the value and what is allowed', async (name, value, allowed) => {
    await using folder = await temporaryFolder()
    const result = await runToExit({
      entry: entries.standalone,
      cwd: folder.path,
      env: { HOLDFAST_PORT: '0', HOLDFAST_APP: apps.contract, HOLDFAST_DATA_DIR: folder.path, [name]: value },
    })
    expect(result.code).toBe(1)
    const [line, ...more] = errorLines(result.stderr)
    expect(more).toEqual([])
    expect(line).toContain(`${name}=${JSON.stringify(value)}`)
    expect(line).toContain(allowed)
    expect(line).not.toMatch(/\bat .*:\d+:\d+/)
  })

  test('API keys that are malformed are not printed', async () => {
    await using folder = await temporaryFolder()
    const env = { HOLDFAST_PORT: '0', HOLDFAST_DATA_DIR: folder.path, HOLDFAST_API_KEYS: 'acme=short-secret' }
    const result = await runToExit({ entry: entries.standalone, env })
    expect(result.code).toBe(1)
    expect(result.stderr).toContain('HOLDFAST_API_KEYS')
    expect(`${result.stdout}${result.stderr}`).not.toContain('short-secret')
  })

  test('a module that is no application, and a command that contradicts itself, are named', async () => {
    await using folder = await temporaryFolder()
    const notAnApp = join(folder.path, 'not-an-app.mjs')
    await writeFile(notAnApp, 'export const app = { name: "x" }\n')
    const result = await runToExit({
      entry: entries.standalone,
      env: { HOLDFAST_PORT: '0', HOLDFAST_APP: notAnApp, HOLDFAST_DATA_DIR: folder.path },
    })
    expect(result.code).toBe(1)
    expect(errorLines(result.stderr)).toHaveLength(1)
    expect(result.stderr).toContain('HOLDFAST_APP')
  })

  test('a port that is taken is named', async () => {
    await using folder = await temporaryFolder()
    await using other = await temporaryFolder()
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path })
    const { port } = new URL(service.url)
    const result = await runToExit({
      entry: entries.standalone,
      env: { HOLDFAST_PORT: port, HOLDFAST_APP: apps.contract, HOLDFAST_DATA_DIR: other.path },
    })
    expect(result.code).toBe(1)
    expect(errorLines(result.stderr)).toHaveLength(1)
    expect(result.stderr).toContain(`127.0.0.1:${port}`)
    expect(result.stderr).toContain('HOLDFAST_PORT')
  })

  test('a file that is no event store is refused and left as it is', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'events.sqlite'), 'this is no database, but a note of somebody\n'.repeat(200))
    const result = await runToExit({
      entry: entries.standalone,
      env: { HOLDFAST_PORT: '0', HOLDFAST_APP: apps.contract, HOLDFAST_DATA_DIR: folder.path },
    })
    expect(result.code).toBe(1)
    const [line, ...more] = errorLines(result.stderr)
    expect(more).toEqual([])
    expect(line).toContain('events.sqlite')
  })

  test('a variable that looks like a setting and is none is warned of', async () => {
    await using folder = await temporaryFolder()
    const env = { HOLDFAST_PROT: '1' }
    await using service = await startStandaloneProcess({ app: apps.contract, dataDir: folder.path, env })
    const warned = await service.log.line((line) => line['name'] === 'HOLDFAST_PROT', { what: 'a warning' })
    expect(warned['level']).toBe(40)
  })
})
