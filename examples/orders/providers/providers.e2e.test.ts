import { join } from 'node:path'
import { send, type HttpResponse } from '@holdfast/testing/http'
import { runToExit, temporaryFolder, type TemporaryFolder } from '@holdfast/testing/processes'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProvider, type ProviderProcess } from '../../../tests/steps/providers.ts'
import type { Payment } from './providers.ts'

const request = { kind: 'charge', amount: 100, currency: 'EUR', customer: 'c' }

describe('a provider in a process of its own', () => {
  let folder: TemporaryFolder
  let payments: ProviderProcess<Payment>
  /** Another process on the same ledger. */
  let other: ProviderProcess<Payment>
  beforeAll(async () => {
    folder = await temporaryFolder('holdfast-provider')
    const options = { kind: 'payments', ledgerFile: join(folder.path, 'ledger.sqlite') } as const
    payments = await startProvider<Payment>(options)
    other = await startProvider<Payment>(options)
  })
  afterAll(async () => {
    await payments[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const charge = (key: string, { url } = payments, timeoutMs = 10_000): Promise<HttpResponse> =>
    send({
      url,
      path: '/',
      method: 'POST',
      headers: { 'idempotency-key': key },
      body: JSON.stringify(request),
      timeoutMs,
    })
  const effects = async (key: string): Promise<number> =>
    (await payments.ledger()).filter((entry) => entry.key === key).length

  test('one effect for each key, over processes that share the ledger, and the same answer', async () => {
    const key = 'shared'
    const answers = await Promise.all(Array.from({ length: 40 }, (_none, at) => charge(key, at % 2 ? payments : other)))
    for (const answer of answers) expect(answer.status, answer.body).toBe(200)
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect(await effects(key)).toBe(1)
  })

  test('an effect that was told survives `kill -9`', async () => {
    const first = await charge('killed')
    await payments.node.kill()
    await payments.node.start()
    expect((await charge('killed')).body).toBe(first.body)
    expect(await effects('killed')).toBe(1)
  })

  test('without a key, or with another request: 400, and no effect', async () => {
    const before = (await payments.ledger()).length
    const keyless = { url: payments.url, path: '/', method: 'POST', body: JSON.stringify(request) }
    expect((await send(keyless)).status).toBe(400)
    const headers = { 'idempotency-key': 'wrong' }
    expect((await send({ ...keyless, headers, body: '{"amount":-1}' })).status).toBe(400)
    expect((await send({ ...keyless, headers, body: 'no JSON' })).status).toBe(400)
    expect((await send({ ...keyless, headers, path: '/behaviour', body: '{"mode":"odd"}' })).status).toBe(400)
    expect((await payments.ledger()).length).toBe(before)
  })

  test.each([
    { mode: 'fail-before', effect: 0, status: 500 },
    { mode: 'fail-after', effect: 1, status: 500 },
    { mode: 'slow', effect: 1, status: 200 },
  ] as const)('$mode: $status and $effect effects; then it is well again', async ({ mode, effect, status }) => {
    await payments.behave({ mode, times: 2, delayMs: 20 })
    for (let time = 0; time < 2; time++) expect((await charge(mode)).status).toBe(status)
    expect(await effects(mode)).toBe(effect)
    expect((await charge(mode)).status).toBe(200)
    expect(await effects(mode)).toBe(1)
  })

  test('down: the connection is closed, without an effect', async () => {
    await payments.behave({ mode: 'down' })
    await expect(charge('down')).rejects.toThrow()
    await expect(charge('down')).rejects.toThrow()
    await payments.behave({ mode: 'ok' })
    expect(await effects('down')).toBe(0)
  })

  test('hang: the effect, and no answer', async () => {
    await payments.behave({ mode: 'hang', times: 1 })
    await expect(charge('hang', payments, 300)).rejects.toThrow('no answer')
    expect(await effects('hang')).toBe(1)
    expect((await charge('hang')).status).toBe(200)
    expect(await effects('hang')).toBe(1)
  })

  test('a start that makes no sense says how to start it', async () => {
    const entry = fileURLToPath(new URL('main.ts', import.meta.url))
    const { code, stderr } = await runToExit({ entry, args: ['bank', '0', 'file'] })
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('usage') as string })
  })

  test('SIGTERM ends it in order', async () => {
    expect(await other.node.stop()).toEqual({ code: 0, signal: null })
  })
})
