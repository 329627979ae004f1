import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { until } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { resultOf, siege, siegeEntry } from './command.ts'
import { startLittleServer, type LittleServer } from './little-server.ts'

const body = ['--body', '{"amount":5,"reference":"{{uuid}}"}']
const against = (server: LittleServer, ...args: readonly string[]) => siege(`${server.url}/pay`, ...body, ...args)

describe('the exit code says how it ended', () => {
  test('1: a scenario failed; the table shows what was found', async () => {
    await using server = await startLittleServer({ defects: ['check-then-set'], workMs: 100 })
    const run = await against(server, '--only', 'simultaneous-50,after-success')
    expect(run.code).toBe(1)
    expect(run.stdout).toMatch(/fail 50 simultaneous retries\n {2}\d+ different successes for one key/)
    expect(run.stdout).toContain('fail: 1 pass, 1 fail')
  })

  test('5: it cannot be told', async () => {
    await using server = await startLittleServer()
    const run = await against(server, '--only', 'after-refusal', '--refusal-body', '{"amount":5}', '--json')
    expect(run.code).toBe(5)
    expect(resultOf(run).scenarios[0]?.notes).toEqual(['the body that should be refused was answered 201'])
  })

  test.each([
    [[], 'a target is missing'],
    [['nonsense'], 'is not an http or https URL'],
    [['http://192.0.2.1/x'], '192.0.2.1 is not a loopback address'],
    [['http://127.0.0.1:1/x', '--ledger', 'http://192.0.2.1/l'], '192.0.2.1 is not a loopback address'],
    [['http://127.0.0.1:1/x', '--ledger', 'file:///etc/hostname'], 'is no http or https URL'],
    [['http://127.0.0.1:1/x', '--only', ','], 'of all scenarios none is left'],
    [['http://127.0.0.1:1/x', '--only', 'everything'], 'no scenario is called everything'],
    [['http://127.0.0.1:1/x', '--requests', 'many'], 'whole number'],
    [['http://127.0.0.1:1/x', '--what'], 'unknown option'],
  ])('2: %j: %s', async (args, message) => {
    const run = await siege(...args)
    expect(run.stderr).toContain(message)
    expect([run.code, run.stdout]).toEqual([2, ''])
  })

  test('3: nobody listens, or what answers is no success', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await once(closed, 'close')
    const run = await siege(`http://127.0.0.1:${port}/`, '--settle', '100')
    expect([run.code, run.stderr]).toEqual([3, expect.stringContaining('had no success but ECONNREFUSED')])

    await using server = await startLittleServer()
    const refused = await siege(`${server.url}/pay`, '--body', '{"amount":13}')
    expect(refused.stderr).toContain('had no success but 402')
    expect(refused.code).toBe(3)
  })

  test('130: Ctrl-C ends it, and what is known is printed', async () => {
    await using server = await startLittleServer({ workMs: 50 })
    const args = [
      siegeEntry,
      `${server.url}/pay`,
      ...body,
      '--requests',
      '100000',
      '--max-requests',
      '1000000',
      '--think',
      '500',
    ]
    // picocolors colours what a CI server logs, a pipe or not.
    const env = { ...process.env, NO_COLOR: '1' }
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    const [stdout, exit] = [text(child.stdout), once(child, 'exit')]
    await until(() => server.effects() > 60, { what: 'the siege is on' })
    child.kill('SIGINT')
    expect(await exit).toEqual([130, null])
    expect(await stdout).toMatch(/50 simultaneous retries +│ pass/)
    expect(await stdout).toContain('stopped, since it was interrupted')
  })
})

describe('it ends by itself', () => {
  test('after so many attempts', async () => {
    await using server = await startLittleServer()
    const run = await against(server, '--max-requests', '120', '--json')
    const { stopped, traffic, counts } = resultOf(run)
    expect(stopped).toBe('requests')
    expect(traffic.attempts).toBeLessThanOrEqual(120)
    expect(counts.pass).toBe(1)
    expect(counts.inconclusive).toBe(1)
    expect(run.code).toBe(5)
  })

  test('after so much time, whatever hangs', async () => {
    await using server = await startLittleServer({ defects: ['hangs'] })
    const run = await against(server, '--max-seconds', '2', '--json')
    expect(resultOf(run)).toMatchObject({ stopped: 'time', verdict: 'inconclusive' })
  })
})

test('the ledger can be a command, and a field', async () => {
  await using server = await startLittleServer({ defects: ['hidden-double'], workMs: 100 })
  const command = `${process.execPath} -e "fetch('${server.url}/ledger').then((r) => r.json()).then((n) => console.log(JSON.stringify({ data: { n } })))"`
  const args = ['--only', 'simultaneous-50', '--json', '--ledger-command', command, '--ledger-field', 'data.n']
  const { scenarios } = resultOf(await against(server, ...args))
  expect(scenarios[0]).toMatchObject({ verdict: 'fail', effects: { expected: '1' } })
})

test('a key header of another name, and quoted keys', async () => {
  await using server = await startLittleServer()
  const quoted = resultOf(
    await against(server, '--key-format', 'quoted', '--only', 'after-success,quoted-and-bare-key', '--json'),
  )
  expect(quoted.verdict).toBe('pass')
  const other = await against(server, '--key-header', 'X-Request-Key', '--only', 'after-success')
  expect(other.stderr, 'the server knows no such header').toContain('had no success but 400')
})

test('--list names the scenarios', async () => {
  const run = await siege('--list')
  expect(run.code).toBe(0)
  expect(run.stdout).toMatch(/^simultaneous-50 +50 simultaneous retries: check-then-set/)
})
