import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { VerifyReport } from '@holdfast/audit'
import { temporaryFolder, until, type ServiceProcess, type TemporaryFolder } from '@holdfast/testing/processes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startStandaloneProcess } from '../support/embedded.ts'
import { holdfast, jsonOf } from './holdfast.ts'

const app = fileURLToPath(new URL('./sales-app.ts', import.meta.url))

let folder: TemporaryFolder
let service: ServiceProcess
let run: (...args: readonly string[]) => ReturnType<typeof holdfast>

const path = (name: string): string => join(folder.path, name)

beforeAll(async () => {
  folder = await temporaryFolder()
  service = await startStandaloneProcess({ app, dataDir: path('data') })
  const env = { HOLDFAST_DATA_DIR: path('data'), HOLDFAST_APP: app }
  run = (...args) => holdfast(args, { env, cwd: folder.path })
  for (let at = 1; at <= 6; at++) {
    await fetch(`${service.url}/sales`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `sale-${at}` },
      body: JSON.stringify({ product: `p${at % 2}`, quantity: at }),
    })
  }
})
afterAll(async () => {
  await service[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

interface Replayed {
  readonly events: number
  readonly documents: readonly { readonly id: string; readonly document: { readonly sold: number } }[]
}

const soldOf = ({ documents }: Replayed) => documents.map(({ id, document }) => `${id} ${document.sold}`)

describe('holdfast replay', () => {
  it('folds a projection from the events: now, as of a moment, of one stream, as lines, JSON and CSV', async () => {
    const all = jsonOf<Replayed>(await run('replay', 'sales', '--json'))
    expect(soldOf(all)).toEqual(['p0 12', 'p1 9'])
    expect(soldOf(jsonOf<Replayed>(await run('replay', 'sales', '--json', '--at', '3')))).toEqual(['p0 2', 'p1 4'])
    const { commandId } = jsonOf<{ commandId: string }>(await run('keys', 'show', 'sale-4', '--json'))
    const ofOne = await run('replay', 'sales', '--json', '--stream', `command-${commandId}`)
    expect(soldOf(jsonOf<Replayed>(ofOne))).toEqual(['p0 4'])
    expect((await run('replay', 'sales', '--csv')).stdout).toBe('tenant,id,sold\ndefault,p0,12\ndefault,p1,9\n')
    const lines = (await run('replay', 'sales')).stdout.trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['p0', 'p1'])
    expect((await run('replay', 'sales', '--csv', '--out', 'sales.csv')).stdout).toContain('2 documents of 6 events')
    expect(await readFile(path('sales.csv'), 'utf8')).toContain('default,p1,9')
  })

  it('finds that the live projection is equal, and names what was changed in it by hand', async () => {
    const diff = async () => run('replay', 'sales', '--diff', '--json')
    await until(async () => jsonOf<{ documents?: number }>(await diff()).documents === 2, {
      what: 'the live projection',
      timeoutMs: 60_000,
    })
    expect((await diff()).code).toBe(0)
    const sound = jsonOf<VerifyReport>(await run('audit', 'verify', '--json'))
    expect(sound).toMatchObject({ sound: true, projections: [{ name: 'sales', state: 'equal', documents: 2 }] })
    const database = new DatabaseSync(join(path('data'), 'projections.sqlite'), { timeout: 10_000 })
    database.exec(`UPDATE documents SET json = '{"sold":1}' WHERE id = 'p1'`)
    database.close()
    const changed = await diff()
    expect(changed.code).toBe(1)
    expect(jsonOf(changed)).toMatchObject({
      differenceCount: 1,
      differences: [{ kind: 'changed', id: 'p1', what: 'member "sold": 1 is live, 9 is what the events fold to' }],
    })
    const verified = await run('audit', 'verify', '--json')
    expect(verified.code).toBe(1)
    expect(jsonOf<VerifyReport>(verified).findings).toMatchObject([{ rule: 'projection' }])
    expect((await run('audit', 'verify', '--json', '--no-projections')).code).toBe(0)
  })

  it('says in one line what is wrong', async () => {
    const wrong: readonly (readonly [readonly string[], number, string])[] = [
      [['replay', 'nothing'], 4, 'has no projection "nothing"'],
      [['replay', 'sales', '--at', 'later'], 2, 'a position'],
      [['replay', 'sales', '--diff', '--at', '3'], 2, 'cannot be used with'],
      [['replay', 'sales', '--out', 'no/such/file'], 2, 'cannot be written'],
    ]
    for (const [args, code, says] of wrong) {
      const { stderr, stdout, code: ended } = await run(...args)
      expect(stdout, args.join(' ')).toBe('')
      expect(stderr, args.join(' ')).toMatch(/^holdfast: .+\n$/)
      expect(stderr).toContain(says)
      expect(ended, args.join(' ')).toBe(code)
    }
  })
})

describe('holdfast dead-letters, embedded', () => {
  it('lists the commands that failed for good, and says how they are retried', async () => {
    await fetch(`${service.url}/sales`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'broken' },
      body: JSON.stringify({ product: 'broken', quantity: 1 }),
    })
    const listed = await run('dead-letters', 'list', '--json')
    expect(listed.code).toBe(0)
    expect(jsonOf(listed)).toMatchObject({
      from: 'event store',
      letters: [{ key: 'broken', command: 'sale.make', reason: 'command-failed' }],
    })
    expect((await run('dead-letters', 'list')).stdout).toContain('No Kafka is named')
    const retried = await run('dead-letters', 'retry', '0:1')
    expect(retried).toMatchObject({ code: 2, stdout: '' })
    expect(retried.stderr).toContain('holdfast keys release')
  })
})
