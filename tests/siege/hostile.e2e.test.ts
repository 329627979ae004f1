import { once } from 'node:events'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { runSiege } from '@holdfast/siege'
import { temporaryFolder } from '@holdfast/testing/processes'
import { describe, expect, test } from 'vitest'
import { resultOf, siege } from './command.ts'
import { startLittleServer } from './little-server.ts'

interface Listening extends AsyncDisposable {
  readonly url: string
}

/** Whatever it receives, it answers with this. */
async function rawServer(answer: string): Promise<Listening> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('data', () => socket.write(answer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/pay`,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

async function httpServer(listener: RequestListener): Promise<Listening> {
  const server = createHttp(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/pay`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const impatient = { body: '{"amount":5}', timeoutMs: 1_000, settleMs: 100 }

describe('a target that no plain request gets an answer from', () => {
  test.each([
    ['says nothing', '', 'timeout'],
    [
      'switches protocols',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      'status 101',
    ],
    ['speaks another protocol', 'SSH-2.0-OpenSSH\r\n', 'HPE_'],
    ['sends half of an answer', 'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nhalf', 'timeout'],
    ['redirects', 'HTTP/1.1 307 Moved\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n', '307'],
  ])('%s', async (_name, answer, outcome) => {
    await using target = await rawServer(answer)
    const run = runSiege({ ...impatient, url: target.url })
    await expect(run).rejects.toMatchObject({
      code: 'target-unusable',
      message: expect.stringContaining(`had no success but ${outcome}`) as string,
    })
  })
})

test('a target that streams without end does not fill the memory', async () => {
  const chunk = Buffer.alloc(1 << 20, 'x')
  await using target = await httpServer((request, response) => {
    request.resume()
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.writeHead(201).on('drain', more)
    more()
  })
  // Not "timeout": it is given up as soon as it is too large.
  const run = runSiege({ ...impatient, timeoutMs: 60_000, url: target.url })
  await expect(run).rejects.toThrow('had no success but answer too large')
})

test('a target that dies under the siege is told from one that keeps no promise, and nothing waits for it', async () => {
  const server = await startLittleServer()
  let isClosed = false
  const close = async (): Promise<void> => {
    if (isClosed) return
    isClosed = true
    await server[Symbol.asyncDispose]()
  }
  const result = await runSiege({
    ...impatient,
    settleMs: 500,
    url: `${server.url}/pay`,
    only: ['simultaneous-50', 'cut-after-send', 'after-success', 'baseline'],
    onProgress: ({ attempts }) => void (attempts > 20 && close()),
  })
  expect(result).toMatchObject({ verdict: 'fail', stopped: 'gone' })
  const [died, ...rest] = result.scenarios.filter(({ verdict }) => verdict !== 'pass')
  expect(died).toMatchObject({ verdict: 'fail' })
  expect(died?.findings).toContain('nobody listened at the target any more')
  expect(rest.map(({ verdict }) => verdict)).not.toContain('fail')
})

test('what a target answers cannot write to the terminal, where the siege cannot begin either', async () => {
  await using target = await httpServer((request, response) => {
    request.resume().once('end', () => response.writeHead(500).end('\u001b[2J\u001b]0;title\u0007'))
  })
  const run = await siege(target.url, '--settle', '1', '--body', '{}')
  expect(run.code).toBe(3)
  expect(run.stderr).toContain('had no success but 500: \ufffd[2J\ufffd]0;title\ufffd')
})

test('Host can be another than the address', async () => {
  const hosts = new Set<string>()
  await using target = await httpServer((request, response) => {
    for (const value of request.headersDistinct['host'] ?? []) hosts.add(value)
    request.resume().once('end', () => response.end(String(request.headers['idempotency-key'])))
  })
  const result = await runSiege({
    ...impatient,
    url: target.url,
    headers: { Host: 'shop.test' },
    only: ['after-success', 'cut-during-answer'],
  })
  expect(result.verdict).toBe('pass')
  expect([...hosts]).toEqual(['shop.test'])
})

describe('a report that cannot be written', () => {
  test('is noticed before the siege begins', async () => {
    await using folder = await temporaryFolder()
    await using server = await startLittleServer()
    const against = (html: string) => siege(`${server.url}/pay`, '--body', '{"amount":5}', '--html', html)
    const missing = await against(join(folder.path, 'nowhere', 'report.html'))
    const isFolder = await against(folder.path)
    for (const run of [missing, isFolder]) {
      expect([run.code, run.stdout]).toEqual([2, ''])
      expect(run.stderr).toContain('cannot be written')
    }
    expect(server.effects()).toBe(0)
  })
})

test('the JSON names the specification and its version', async () => {
  await using server = await startLittleServer()
  const args = ['--body', '{"amount":5}', '--profile', 'draft-idempotency-key', '--only', 'string-key']
  const named = 'draft-ietf-httpapi-idempotency-key-header-07'
  expect(resultOf(await siege(`${server.url}/pay`, ...args, '--json')).specification).toBe(named)
  expect((await siege(`${server.url}/pay`, ...args)).stdout).toContain(`Sections are those of ${named}.`)
})
