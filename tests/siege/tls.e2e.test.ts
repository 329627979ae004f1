import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { runSiege } from '@holdfast/siege'
import { temporaryFolder } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'

/** A self-signed certificate, made by OpenSSL for this run. Undefined where there is no OpenSSL. */
async function certificate(): Promise<{ readonly key: Buffer; readonly cert: Buffer } | undefined> {
  await using folder = await temporaryFolder()
  const [key, cert] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')]
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost']
  try {
    execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } catch {
    return undefined
  }
}

const pair = await certificate()

test.skipIf(pair === undefined)('over TLS: whole, at once and cut; an unknown certificate only on demand', async () => {
  const answers = new Map<string, string>()
  const server = createServer({ ...pair }, (request, response) => {
    const key = String(request.headers['idempotency-key'])
    const answer = answers.get(key) ?? `answer ${answers.size}`
    answers.set(key, answer)
    request.resume().once('end', () => response.end(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const url = `https://localhost:${(server.address() as AddressInfo).port}/pay`
    const options = {
      url,
      body: '{}',
      only: ['simultaneous-50', 'cut-after-send', 'cut-during-answer', 'after-success'],
    }
    await expect(runSiege({ ...options, settleMs: 1 })).rejects.toMatchObject({
      code: 'target-unusable',
      message: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT') as string,
    })
    const result = await runSiege({ ...options, insecure: true })
    expect(result.scenarios.map(({ id, verdict, findings }) => [id, verdict, findings])).toEqual(
      options.only.map((id) => [id, 'pass', []]),
    )
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
