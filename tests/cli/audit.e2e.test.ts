import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { VerifyReport } from '@holdfast/audit'
import { temporaryFolder, type ServiceProcess, type TemporaryFolder } from '@holdfast/testing/processes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startStandaloneProcess } from '../support/embedded.ts'
import { holdfast, jsonOf, type RunOptions } from './holdfast.ts'

let folder: TemporaryFolder
let service: ServiceProcess
let run: (...args: readonly string[]) => ReturnType<typeof holdfast>

const path = (name: string): string => join(folder.path, name)

const order = (key: string, quantity: number) =>
  fetch(`${service.url}/api/order`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ product_id: 'abc', quantity }),
  })

beforeAll(async () => {
  folder = await temporaryFolder()
  service = await startStandaloneProcess({ app: '@holdfast/example-orders', dataDir: path('data') })
  const options: RunOptions = { env: { HOLDFAST_DATA_DIR: path('data') }, cwd: folder.path }
  run = (...args) => holdfast(args, options)
  for (let at = 1; at <= 5; at++) await order(`order-${at}`, at)
  await run('audit', 'keygen', '--out', 'keys')
})
afterAll(async () => {
  await service[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const trusted = ['--public-key', 'keys/public.pem']
const seal = () => run('audit', 'seal', '--private-key', 'keys/private.pem', '--json')

describe('holdfast audit', () => {
  it('verifies the history of a server that runs, and writes the report in both forms', async () => {
    const verified = await run('audit', 'verify', '--json', '--report', 'report.json', '--html', 'report.html')
    expect(verified).toMatchObject({ code: 0, stderr: '' })
    const report = jsonOf<VerifyReport>(verified)
    expect(report).toMatchObject({ sound: true, findings: [], seal: null, scope: { app: 'orders' } })
    expect(report.commands['order.place']).toMatchObject({ succeeded: 5 })
    expect(report.counts.responsesProjected).toBe(report.counts.generations)
    expect(JSON.parse(await readFile(path('report.json'), 'utf8'))).toEqual(report)
    const html = await readFile(path('report.html'), 'utf8')
    expect(html).toMatch(/^<!doctype html>/)
    for (const part of ['order.place', 'Outcomes by command', 'data:image/svg+xml']) expect(html).toContain(part)
    expect(html).not.toMatch(/<script|src="http/)
    const text = (await run('audit', 'verify')).stdout
    expect(text).toContain('The history is sound.')
    expect(text).toContain('no seal to compare with')
  })

  it('seals, verifies against the seal, and proves a key offline', async () => {
    const sealed = await seal()
    expect(sealed.code).toBe(0)
    const { note, checkpoint } = jsonOf<{ note: string; checkpoint: { size: number } }>(sealed)
    await order('later', 1)
    const report = jsonOf<VerifyReport>(await run('audit', 'verify', '--json', ...trusted))
    expect(report.seal).toMatchObject({ whole: true, sealedEvents: checkpoint.size })
    expect(report.seal?.unsealedEvents).toBeGreaterThan(0)
    expect((await seal()).code).toBe(0)
    await writeFile(path('kept.txt'), note)
    const kept = await run('audit', 'verify', '--json', ...trusted, '--checkpoint', 'kept.txt')
    expect(jsonOf<VerifyReport>(kept).seal).toMatchObject({ whole: true, checkpoints: 3 })

    expect((await run('audit', 'prove', 'order-3', '--out', 'proof.json')).code).toBe(0)
    // Offline: in an empty folder, without settings.
    await using elsewhere = await temporaryFolder()
    for (const [from, to] of [
      ['proof.json', 'proof.json'],
      ['keys/public.pem', 'public.pem'],
    ] as const) {
      await cp(path(from), join(elsewhere.path, to))
    }
    const check = (...args: readonly string[]) =>
      holdfast(['audit', 'check', 'proof.json', '--public-key', 'public.pem', ...args], { cwd: elsewhere.path })
    const checked = await check('--json')
    expect(checked.code).toBe(0)
    expect(jsonOf(checked)).toMatchObject({ holds: true, key: 'order-3', tenant: 'default' })
    expect((await check()).stdout).toContain('It holds')
    const proof = await readFile(path('proof.json'), 'utf8')
    await writeFile(join(elsewhere.path, 'proof.json'), proof.replace('\\"quantity\\":3', '\\"quantity\\":4'))
    const forged = await check()
    expect(forged).toMatchObject({ code: 1, stdout: '' })
    expect(forged.stderr).toContain('does not stand in the sealed log')
  })

  it('finds a change by hand, and names its position', async () => {
    await seal()
    await cp(path('data'), path('tampered'), { recursive: true })
    const database = new DatabaseSync(join(path('tampered'), 'events.sqlite'))
    const { position } = database
      .prepare(`SELECT position FROM events WHERE type = 'OrderPlaced' ORDER BY position LIMIT 1`)
      .get() as { position: number }
    database.exec(
      `UPDATE events SET data = json_set(data, '$.quantity', 1000) WHERE position = ${position};
       DELETE FROM events WHERE position = ${position + 3}`,
    )
    database.close()
    const verified = await run('audit', 'verify', '--json', '--data-dir', 'tampered', ...trusted)
    expect(verified.code).toBe(1)
    const report = jsonOf<VerifyReport>(verified)
    expect(report.sound).toBe(false)
    expect(report.seal).toMatchObject({ whole: false, firstBadPosition: String(position) })
    expect(report.findings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['seal', 'position', 'revision']))
    const text = await run('audit', 'verify', '--data-dir', 'tampered', ...trusted)
    expect(text.stdout).toContain(`BROKEN, first at position ${position}`)
    expect(text.stdout).toContain('is not what was sealed')
    // And the recorded response does not follow from the event any more.
    expect(report.findings.map(({ rule, position: at }) => `${rule} ${at ?? ''}`)).toContain(`response ${position}`)
  })

  it('shows drift without failing, unless it is asked to be strict', async () => {
    const app = path('changed.ts')
    await writeFile(
      app,
      `import { app as orders } from ${JSON.stringify(import.meta.resolve('@holdfast/example-orders'))}
       const changed = (name) => {
         const command = orders.command(name)
         return command && { ...command, respond: (...args) => ({ ...command.respond(...args), status: 299 }) }
       }
       export const app = { ...orders, command: changed }`,
    )
    const verified = await run('audit', 'verify', '--json', '--app', app)
    expect(verified.code).toBe(0)
    const report = jsonOf<VerifyReport>(verified)
    expect(report.sound).toBe(true)
    expect(report.counts.drifts).toBeGreaterThan(0)
    expect(report.findings[0]).toMatchObject({ severity: 'drift', rule: 'response' })
    expect((await run('audit', 'verify', '--json', '--app', app, '--strict')).code).toBe(1)
  })

  it('says in one line what is wrong, with the exit code of its kind', async () => {
    const wrong: readonly (readonly [readonly string[], number, string])[] = [
      [['audit', 'seal'], 2, '--private-key'],
      [['audit', 'seal', '--private-key', 'nothing.pem'], 2, 'cannot be read'],
      [['audit', 'seal', '--private-key', 'keys/public.pem'], 2, 'not a private key'],
      [['audit', 'seal', '--private-key', 'keys/private.pem', '--seal', 'seal', '--origin', 'x y'], 1, 'not of "x y"'],
      [['audit', 'keygen', '--out', 'keys'], 2, 'there already'],
      [['audit', 'prove', 'nobody'], 4, 'no command under this key'],
      [['audit', 'prove', 'order-1', '--seal', 'no-seal', ...trusted], 4, 'holds no seal'],
      [['audit', 'check', 'keys/public.pem', ...trusted], 1, 'no JSON'],
      [['audit', 'check', 'no-file', ...trusted], 2, 'cannot be read'],
      [['audit', 'verify', '--app', './nothing.ts'], 2, 'the module cannot be loaded'],
      [['audit', 'verify', '--since', 'soon'], 2, 'It takes a time'],
      [['audit', 'verify', '--html', 'no/such/folder.html'], 2, 'cannot be written'],
    ]
    await seal()
    for (const [args, code, says] of wrong) {
      const { stderr, stdout, code: ended } = await run(...args)
      expect(stdout, args.join(' ')).toBe('')
      expect(stderr, args.join(' ')).toMatch(/^holdfast: .+\n$/)
      expect(stderr).toContain(says)
      expect(ended, args.join(' ')).toBe(code)
    }
  })
})
