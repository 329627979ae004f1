import { join } from 'node:path'
import type { KeyTimeline, ListedCommand } from '@holdfast/cli'
import { temporaryFolder, type ServiceProcess, type TemporaryFolder } from '@holdfast/testing/processes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startStandaloneProcess } from '../support/embedded.ts'
import { holdfast, jsonOf } from './holdfast.ts'

const operatorKeys = 'otto=operator-key-0123456789'

let folder: TemporaryFolder
let service: ServiceProcess
let env: Readonly<Record<string, string>>

const post = (path: string, key: string, body: object) =>
  fetch(`${service.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })

beforeAll(async () => {
  folder = await temporaryFolder()
  const dataDir = join(folder.path, 'data')
  service = await startStandaloneProcess({
    app: '@holdfast/example-orders',
    dataDir,
    env: { HOLDFAST_OPERATOR_KEYS: operatorKeys },
  })
  env = { HOLDFAST_DATA_DIR: dataDir, HOLDFAST_OPERATOR_KEYS: operatorKeys }
  for (let at = 1; at <= 3; at++) await post('/api/order', `order-${at}`, { product_id: 'abc', quantity: at })
  await post('/api/order', 'too-many', { product_id: 'abc', quantity: 1_000_000 })
  await post('/charge', 'charge-1', { amount: 1999, currency: 'EUR', customer: 'ada' })
})
afterAll(async () => {
  await service[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** One line that says what is wrong, and nothing on standard output. */
function expectOneLine(run: { stdout: string; stderr: string; code: number | null }, code: number, says: string) {
  expect(run.stdout).toBe('')
  expect(run.stderr).toMatch(/^holdfast: .+\n$/)
  expect(run.stderr).toContain(says)
  expect(run.code).toBe(code)
}

describe('holdfast keys', () => {
  it('shows the timeline of a key while the server runs', async () => {
    const run = await holdfast(['keys', 'show', 'order-2', '--json'], { env })
    expect(run).toMatchObject({ code: 0, stderr: '' })
    const timeline = jsonOf<KeyTimeline>(run)
    expect(timeline).toMatchObject({ tenant: 'default', key: 'order-2', state: 'resolved' })
    const [generation] = timeline.generations
    expect(generation).toMatchObject({
      command: 'order.place',
      state: 'succeeded',
      attempts: 1,
      response: { status: 201 },
      input: { product_id: 'abc', quantity: 2 },
    })
    expect(generation?.events.map(({ type }) => type)).toEqual([
      ...['CommandAccepted', 'StepStarted', 'StepCompleted', 'StepCompleted', 'StepCompleted', 'OrderPlaced'],
    ])
    const text = (await holdfast(['keys', 'show', 'order-2'], { env })).stdout
    for (const part of ['Generation 1', 'order.place, succeeded', 'step charge-card', 'OrderPlaced', 'response: 201']) {
      expect(text).toContain(part)
    }
  })

  it('releases a key through the gateway, and shows who did', async () => {
    const args = ['keys', 'release', 'order-1', '--reason', 'sent to the wrong address', '--gateway', service.url]
    const run = await holdfast([...args, '--json'], { env })
    expect(run.code).toBe(0)
    expect(jsonOf(run)).toMatchObject({ generation: 1, released: { by: 'otto', reason: 'sent to the wrong address' } })
    const shown = jsonOf<KeyTimeline>(await holdfast(['keys', 'show', 'order-1', '--json'], { env }))
    expect(shown).toMatchObject({ state: 'released', generations: [{ state: 'released', released: { by: 'otto' } }] })
    await post('/api/order', 'order-1', { product_id: 'abc', quantity: 1 })
    const again = jsonOf<KeyTimeline>(await holdfast(['keys', 'show', 'order-1', '--json'], { env }))
    expect(again.generations.map(({ state }) => state)).toEqual(['released', 'succeeded'])
  })

  it('says in one line what is wrong, with the exit code of its kind', async () => {
    expectOneLine(await holdfast(['keys', 'show', 'nobody'], { env }), 4, 'no command under this key')
    expectOneLine(await holdfast(['keys', 'show', 'order-2', '--tenant', 'a b'], { env }), 2, 'A tenant has')
    expectOneLine(await holdfast(['keys', 'show'], { env }), 2, "missing required argument 'key'")
    expectOneLine(await holdfast(['keys', 'release', 'order-2'], { env }), 2, '--reason')
    const release = ['keys', 'release', 'nobody', '--reason', 'x', '--gateway', service.url]
    expectOneLine(await holdfast(release, { env }), 4, 'no command under this key')
    expectOneLine(await holdfast(release, { env: { HOLDFAST_OPERATOR_KEYS: '' } }), 2, 'HOLDFAST_OPERATOR_KEYS')
    const stranger = { HOLDFAST_OPERATOR_KEYS: 'eve=another-key-0123456789' }
    expectOneLine(await holdfast(release, { env: stranger }), 2, "operator's key")
    const nowhere = [...release.slice(0, -1), 'http://127.0.0.1:9']
    expectOneLine(await holdfast(nowhere, { env }), 3, 'no gateway answers')
    const noStore = { HOLDFAST_DATA_DIR: join(folder.path, 'nothing') }
    expectOneLine(await holdfast(['keys', 'show', 'x'], { env: noStore }), 3, 'there is no event store')
    expectOneLine(await holdfast(['kez'], { env }), 2, 'unknown command')
  })
})

describe('holdfast commands list', () => {
  const list = async (...args: readonly string[]) =>
    jsonOf<{ commands: readonly ListedCommand[]; more: number }>(
      await holdfast(['commands', 'list', '--json', ...args], { env }),
    )

  it('lists what became of commands', async () => {
    const { commands, more } = await list('--command', 'order.place')
    expect(more).toBe(0)
    expect(commands.map(({ key, state }) => `${key} ${state}`)).toEqual(
      expect.arrayContaining(['order-2 succeeded', 'order-3 succeeded', 'too-many rejected']),
    )
    expect((await list('--state', 'rejected')).commands).toMatchObject([{ key: 'too-many', status: 409 }])
    expect((await list('--state', 'failed')).commands).toEqual([])
    expect((await list('--tenant', 'other')).commands).toEqual([])
    expect((await list('--since', '2999-01-01')).commands).toEqual([])
    const limited = await list('--limit', '2')
    expect(limited.commands).toHaveLength(2)
    expect(limited.more).toBeGreaterThan(0)
    const table = await holdfast(['commands', 'list', '--state', 'rejected'], { env })
    expect(table.stdout).toMatch(/order\.place +rejected +409/)
  })

  it('refuses what is no time, state or number', async () => {
    expectOneLine(await holdfast(['commands', 'list', '--since', 'yesterday'], { env }), 2, 'It takes a time')
    expectOneLine(await holdfast(['commands', 'list', '--state', 'gone'], { env }), 2, 'Allowed choices')
    expectOneLine(await holdfast(['commands', 'list', '--limit', '0'], { env }), 2, 'whole number')
  })
})
