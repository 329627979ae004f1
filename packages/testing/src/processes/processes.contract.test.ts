import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runToExit, ServiceStartError, startService, temporaryFolder, until } from './index.ts'

/** A module in a folder of its own. */
async function script(source: string): Promise<AsyncDisposable & { readonly entry: string }> {
  const folder = await temporaryFolder()
  const entry = join(folder.path, 'service.mjs')
  await writeFile(entry, source)
  return { entry, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

const ready = `console.log(JSON.stringify({ msg: 'ready', url: 'http://127.0.0.1:1', env: process.env }))\n`
const stay = `setInterval(() => {}, 1000)\n`

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('startService', () => {
  test('waits for the line `ready`, passes settings, and lets nothing of ours through', async () => {
    process.env['HOLDFAST_WAIT_MS'] = '1'
    try {
      await using file = await script(`console.log('no json')\n${ready}${stay}`)
      await using service = await startService({ entry: file.entry, env: { HOLDFAST_APP: 'x' } })
      expect(service.url).toBe('http://127.0.0.1:1')
      const env = service.log.lines[0]?.['env'] as Record<string, string>
      expect(env).toMatchObject({ HOLDFAST_APP: 'x', HOLDFAST_PORT: '0' })
      expect(env['HOLDFAST_WAIT_MS']).toBeUndefined()
      expect(service.log.text()).toContain('no json')
    } finally {
      delete process.env['HOLDFAST_WAIT_MS']
    }
  })

  test('kills it when it is disposed of', async () => {
    await using file = await script(`process.on('SIGTERM', () => {})\n${ready}${stay}`)
    const service = await startService(file)
    expect(isAlive(service.pid)).toBe(true)
    await service[Symbol.asyncDispose]()
    expect(isAlive(service.pid)).toBe(false)
    expect(await service.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect(service.kill('SIGTERM'), 'it has ended').toBe(false)
  })

  test('stops and goes on', async () => {
    await using file = await script(
      `${ready}let n = 0; setInterval(() => console.log(JSON.stringify({ n: n++ })), 5)\n`,
    )
    await using service = await startService(file)
    await service.log.line((line) => line['n'] === 3, { what: 'it counts' })
    service.kill('SIGSTOP')
    if (process.platform === 'linux') {
      const state = () => readFile(`/proc/${service.pid}/stat`, 'utf8')
      await until(async () => (await state()).includes(') T '), { what: 'it stands' })
    }
    const seen = service.log.lines.length
    service.kill('SIGCONT')
    await until(() => service.log.lines.length > seen + 3, { what: 'it goes on' })
  })

  test('an end before that, and no line in time, are failures that carry the output', async () => {
    await using ending = await script(`console.error('the disk is gone'); process.exit(3)\n`)
    const early = startService(ending)
    await expect(early).rejects.toBeInstanceOf(ServiceStartError)
    await expect(early).rejects.toThrow(/ended with code 3[^]*the disk is gone/)
    await using silent = await script(`console.log('still thinking')\n${stay}`)
    await expect(startService({ ...silent, readyTimeoutMs: 400 })).rejects.toThrow(
      /not ready in 400 ms[^]*still thinking/,
    )
  })
})

describe('runToExit', () => {
  test('returns how it ended and what it wrote', async () => {
    await using file = await script(`console.log(process.argv[2]); console.error('oh'); process.exitCode = 2\n`)
    expect(await runToExit({ ...file, args: ['in'] })).toEqual({
      code: 2,
      signal: null,
      stdout: 'in\n',
      stderr: 'oh\n',
    })
  })

  test('kills what does not end', async () => {
    await using file = await script(stay)
    expect(await runToExit({ ...file, timeoutMs: 200 })).toMatchObject({ code: null, signal: 'SIGKILL' })
  })
})

describe('until', () => {
  test('returns the first value that is there, and says what did not come', async () => {
    let looks = 0
    expect(await until(() => ++looks >= 3 && looks, { what: 'three', everyMs: 1 })).toBe(3)
    await expect(until(() => undefined, { what: 'the moon', timeoutMs: 20, everyMs: 1 })).rejects.toThrow('the moon')
    await expect(until(() => Promise.reject(new Error('broken')), { what: 'x' })).rejects.toThrow('broken')
  })
})

test('a temporary folder is gone, with what is in it, when it is disposed of', async () => {
  let path
  {
    await using folder = await temporaryFolder()
    path = folder.path
    await writeFile(join(path, 'file'), 'x')
    expect(existsSync(path)).toBe(true)
  }
  expect(existsSync(path)).toBe(false)
})
