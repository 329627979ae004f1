import { created, defineApp, defineCommand, type App, type JsonObject } from '@holdfast/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { corruptions } from '../test-support/corruptions.ts'
import { soundHistory, type Fixture } from '../test-support/fixture.ts'
import { sampleApp } from '../test-support/sample-app.ts'
import { createPublishedResults } from './published-results.ts'
import { verifyHistory, type VerifyOptions } from './verify-history.ts'

const verify = (fixture: Fixture, options: Partial<VerifyOptions> = {}) =>
  verifyHistory({ history: fixture.history(), app: sampleApp, nowMs: () => 0, ...options })

describe('a sound history', () => {
  it('is proved sound, and counted', async () => {
    const report = await verify(await soundHistory())
    expect(report.findings).toEqual([])
    expect(report).toMatchObject({
      sound: true,
      outcomes: { succeeded: 6, rejected: 1, failed: 1, released: 1 },
      counts: { generations: 8, open: 0, responsesProjected: 8, streams: 8, corruptions: 0, drifts: 0 },
      commands: {
        'account.open': { succeeded: 2, rejected: 0, failed: 0, released: 1 },
        'note.write': { succeeded: 1, rejected: 0, failed: 0, released: 0 },
        'transfer.make': { succeeded: 3, rejected: 1, failed: 1, released: 0 },
      },
      unknownCommands: {},
      seal: null,
    })
  })

  it('is sound also where its beginning was passed over, and without the application', async () => {
    const fixture = await soundHistory()
    for (const { recordedAtMs } of fixture.events) {
      const report = await verify(fixture, { sinceMs: recordedAtMs })
      expect(report.findings).toEqual([])
    }
    const report = await verify(fixture, { app: undefined })
    expect(report).toMatchObject({ sound: true, counts: { responsesProjected: 0 } })
    expect(report.unknownCommands).toEqual({ 'account.open': 2, 'note.write': 1, 'transfer.make': 5 })
  })

  it('tells of one tenant only its own', async () => {
    const report = await verify(await soundHistory(), { tenant: 'somebody-else' })
    expect(report).toMatchObject({ sound: true, counts: { generations: 0, responsesProjected: 0 } })
  })

  it('shows a command that has no outcome yet as open', async () => {
    const fixture = await soundHistory()
    const last = fixture.find('AccountChecked', 1)
    for (const event of fixture.events) if (event.position > last.position) fixture.drop(event)
    const report = await verify(fixture.drop(last))
    expect(report).toMatchObject({ sound: true, counts: { open: 1, generations: 7 } })
  })
})

describe('a history that no code of Holdfast writes', () => {
  for (const { rule, what, corrupt, says } of corruptions) {
    it(`is found by the rule ${rule}: ${what}`, async () => {
      const report = await verify(corrupt(await soundHistory()))
      const found = report.findings.filter((finding) => finding.rule === rule)
      expect(report.sound).toBe(false)
      expect(found.map(({ severity }) => severity)).toContain('corruption')
      expect(found[0]?.position).toMatch(/^\d+$/)
      if (says !== undefined) expect(found.map(({ message }) => message).join()).toContain(says)
      expect(report.findingsByRule[rule]).toBe(found.length)
    })
  }

  it('lists so many of each rule, and counts all', async () => {
    const fixture = await soundHistory()
    for (const event of fixture.events) fixture.change(event, { data: Buffer.from('no') })
    const report = await verify(fixture, { maxListed: 2 })
    expect(report.findings.filter(({ rule }) => rule === 'json')).toHaveLength(2)
    expect(report.findingsByRule.json).toBe(fixture.events.length)
  })
})

describe('results that are published', () => {
  it('are looked for as long as they are kept, and not before they can be there', async () => {
    const fixture = await soundHistory()
    const end = Date.parse('2999-01-01')
    const missing = async (sinceMs: number, untilMs: number, ids: readonly string[] = []) => {
      const published = createPublishedResults({ sinceMs, untilMs })
      for (const id of ids) published.add(id)
      return (await verify(fixture, { published })).findings
    }
    const all = await missing(0, end)
    expect(all).toHaveLength(9)
    expect(new Set(all.map(({ rule }) => rule))).toEqual(new Set(['result']))
    const ids = all.map(({ message }) => /its result (\S+) is not on the topic/.exec(message)?.[1] ?? '')
    expect(await missing(0, end, ids)).toEqual([])
    const one = ids.find((id) => !id.endsWith('-released')) ?? ''
    expect(
      await missing(
        0,
        end,
        ids.filter((id) => id !== one),
      ),
    ).toHaveLength(1)
    expect(await missing(end, end)).toEqual([])
    expect(await missing(0, 1)).toEqual([])
  })
})

/** The sample application as somebody may have changed it since. */
function changedApp(respond: (amount: number) => ReturnType<typeof created>): App {
  const transfer = defineCommand({
    name: 'transfer.make',
    route: { method: 'POST', path: '/transfers' },
    input: z.strictObject({ amount: z.int().positive() }),
    handle: ({ amount }) => ({ type: 'TransferMade', data: { transfer_id: 'x', amount } }) as const,
    respond: ({ data }) => respond(data.amount),
  })
  return defineApp({ name: 'changed', commands: [transfer] })
}

describe('a response that the code projects differently now', () => {
  const drift = async (app: App) => {
    const report = await verify(await soundHistory(), { app })
    expect(report.sound).toBe(true)
    return report.findings
      .filter(({ rule }) => rule === 'response')
      .map(({ severity, message }) => `${severity}: ${message}`)
  }

  it('is drift, not corruption, and says what differs', async () => {
    expect((await drift(changedApp((amount) => ({ status: 200, body: { amount } }))))[0]).toBe(
      'drift: transfer.make: status 201 is recorded, 200 is projected now',
    )
    expect((await drift(changedApp((amount) => created({ amount }))))[0]).toContain(
      'header x-amount: "1" is recorded, nothing is projected now',
    )
    const otherBody = changedApp((amount) => created({ amount: amount + 1 }, { 'x-amount': String(amount) }))
    expect((await drift(otherBody))[0]).toContain('body, member "transfer_id"')
    const failing = changedApp(() => {
      throw new Error('no such thing')
    })
    expect((await drift(failing))[0]).toContain('cannot project a response any more: Error: no such thing')
  })

  it('is none when older events are brought to the version that the code is written for', async () => {
    const fixture = await soundHistory()
    const stored = fixture.find('TransferMade')
    const { transfer_id, amount } = fixture.dataOf(stored)
    // As it was before: the amount stood under another name.
    fixture.changeData(stored, { transfer_id: String(transfer_id), sum: Number(amount) })
    const upcast = {
      TransferMade: { 1: ({ sum, ...data }: JsonObject) => (sum === undefined ? data : { ...data, amount: sum }) },
    }
    const report = await verify(fixture, { app: { ...sampleApp, upcast } })
    expect(report).toMatchObject({ sound: true, findings: [] })
    expect((await verify(fixture)).counts.drifts).toBe(1)
  })

  it('is drift also for a refusal that is not declared any more', async () => {
    const messages = await drift(changedApp((amount) => created({ amount })))
    expect(messages.join()).toContain('which it does not declare')
  })

  it('is seen when the recorded response itself was changed', async () => {
    const fixture = await soundHistory()
    fixture.changeMetadata(fixture.find('CommandFailed'), (m) => {
      if (m.outcome !== undefined) m.outcome.response.body = m.outcome.response.body.replace('failed 2', 'failed 3')
    })
    const report = await verify(fixture)
    expect(report.findings).toMatchObject([{ severity: 'drift', rule: 'response' }])
    expect(report.findings[0]?.message).toContain('member "detail"')
  })
})
