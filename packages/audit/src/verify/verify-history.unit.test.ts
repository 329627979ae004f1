import { created, defineApp, defineCommand, type App } from '@holdfast/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { soundHistory, type Fixture } from '../test-support/fixture.ts'
import { sampleApp } from '../test-support/sample-app.ts'
import type { Rule } from './findings.ts'
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

interface Corruption {
  readonly rule: Rule
  readonly what: string
  readonly corrupt: (fixture: Fixture) => Fixture
  /** Part of the message. */
  readonly says?: string
}

/** One for each way in which a rule can be broken; positions are given anew afterwards unless the rule is about them. */
const corruptions: readonly Corruption[] = [
  {
    rule: 'position',
    what: 'a position is missing',
    corrupt: (f) => f.drop(f.find('StockReceived')),
    says: 'comes after',
  },
  {
    rule: 'revision',
    what: 'the first event of a stream is missing',
    corrupt: (f) => f.drop(f.find('StockReceived')),
    says: 'revision 1 comes where revision 0 has to stand',
  },
  {
    rule: 'revision',
    what: 'a revision stands twice',
    corrupt: (f) => f.append(f.find('StockReceived', 1), {}),
    says: 'revision 1 comes where revision 2',
  },
  {
    rule: 'revision',
    what: 'two events of a stream have changed places',
    corrupt: (f) => {
      const [one, two] = [f.find('StockReceived'), f.find('StockReceived', 1)]
      return f.change(one, { position: two.position }).change(two, { position: one.position })
    },
  },
  {
    rule: 'index',
    what: 'its stream does not find it',
    corrupt: (f) => f.change(f.find('TransferMade'), { indexed: false }),
  },
  {
    rule: 'json',
    what: 'data that are no JSON',
    corrupt: (f) => f.change(f.find('TransferMade'), { data: Buffer.from('{"a":') }),
  },
  {
    rule: 'json',
    what: 'metadata of an aggregate that are no object',
    corrupt: (f) => f.change(f.find('StockReceived'), { metadata: Buffer.from('[]') }),
  },
  ...metadataCorruptions(),
  {
    rule: 'stream-name',
    what: 'an envelope of another key',
    corrupt: (f) => f.changeMetadata(f.find('TransferMade'), (m) => Object.assign(m.envelope ?? {}, { key: 'other' })),
  },
  {
    rule: 'stream-name',
    what: 'an envelope of another tenant',
    corrupt: (f) =>
      f.changeMetadata(f.find('TransferMade'), (m) => Object.assign(m.envelope ?? {}, { tenant: 'other' })),
  },
  {
    rule: 'stream-name',
    what: 'a command stream without a hash',
    corrupt: (f) => f.append(f.find('TransferMade'), { stream: 'command-x', revision: 0n }),
  },
  {
    rule: 'generation',
    what: 'a generation is left out',
    corrupt: (f) => f.changeMetadata(f.find('TransferMade', 2), (m) => (m.generation = 3)),
    says: 'generation 3 comes after generation 1',
  },
  {
    rule: 'generation',
    what: 'the first is not the first',
    corrupt: (f) => f.changeMetadata(f.find('TransferMade'), (m) => (m.generation = 2)),
  },
  {
    rule: 'generation',
    what: 'one begins before the last has ended',
    corrupt: (f) => f.changeMetadata(f.find('TransferMade', 1), (m) => delete m.outcome),
    says: 'while the one before is open',
  },
  {
    rule: 'envelope',
    what: 'a generation begins without it',
    corrupt: (f) => f.changeMetadata(f.find('TransferMade'), (m) => delete m.envelope),
  },
  {
    rule: 'envelope',
    what: 'it stands twice',
    corrupt: (f) =>
      f.changeMetadata(f.find('AccountOpened'), (m) => {
        m.envelope = f.metadataOf(f.find('TransferMade')).envelope ?? {}
      }),
  },
  {
    rule: 'fingerprint',
    what: 'the recorded input is another',
    corrupt: (f) =>
      f.changeMetadata(f.find('TransferMade'), (m) => Object.assign(m.envelope ?? {}, { input: { amount: 9 } })),
    says: 'not that of the recorded input',
  },
  {
    rule: 'fingerprint',
    what: 'it changes within a generation',
    corrupt: (f) => f.changeMetadata(f.find('AccountChecked'), (m) => (m.fingerprint = 'a'.repeat(64))),
    says: 'another than at the beginning',
  },
  {
    rule: 'attempt',
    what: 'it changes within a generation',
    corrupt: (f) => f.changeMetadata(f.find('AccountChecked'), (m) => (m.attemptId = 'another')),
  },
  {
    rule: 'attempt',
    what: 'failed tries are not counted upwards',
    corrupt: (f) => f.changeData(f.find('AttemptFailed'), { attempt: 0, error: '', next_attempt_at_ms: 0 }),
  },
  {
    rule: 'outcome',
    what: 'a second outcome in one generation',
    corrupt: (f) => f.append(f.find('TransferMade'), { revision: 1n }),
    says: 'a second outcome behind',
  },
  {
    rule: 'outcome',
    what: 'an event behind the outcome',
    corrupt: (f) => {
      const event = f.find('TransferMade')
      f.append(event, { revision: 1n })
      return f.changeMetadata(f.events.at(-1) ?? event, (m) => {
        delete m.envelope
        delete m.outcome
      })
    },
    says: 'an event behind the outcome',
  },
  {
    rule: 'outcome',
    what: 'a success on a refusal',
    corrupt: (f) =>
      f.changeMetadata(f.find('CommandRejected'), (m) => Object.assign(m.outcome ?? {}, { kind: 'succeeded' })),
  },
  {
    rule: 'outcome',
    what: 'a failure renamed',
    corrupt: (f) => f.change(f.find('CommandFailed'), { type: 'TransferMade' }),
  },
  {
    rule: 'release',
    what: 'released twice',
    corrupt: (f) => {
      // The generation behind it goes, so that the release is the last event of its stream.
      const release = f.find('KeyReleased')
      for (const event of f.events) {
        if (event.stream === release.stream && event.revision > release.revision) f.drop(event)
      }
      return f.append(release, { revision: release.revision + 1n })
    },
  },
  {
    rule: 'release',
    what: 'released before the outcome',
    corrupt: (f) => f.changeMetadata(f.find('AccountChecked'), (m) => delete m.outcome),
    says: 'still runs',
  },
  { rule: 'release', what: 'on another event', corrupt: (f) => f.change(f.find('KeyReleased'), { type: 'Other' }) },
  {
    rule: 'release',
    what: 'without its record',
    corrupt: (f) => f.changeMetadata(f.find('KeyReleased'), (m) => delete m['release']),
  },
  {
    rule: 'removal',
    what: 'it does not name all that stood before it',
    corrupt: (f) => f.changeData(f.find('HistoryRemoved'), { removed: [] }),
    says: 'does not name all',
  },
  {
    rule: 'position',
    what: 'what is missing is not what was removed',
    corrupt: (f) => f.changeData(f.find('HistoryRemoved'), { removed: [['1', 'a'.repeat(64)]] }),
  },
  {
    rule: 'removal',
    what: 'it names another digest than that of an event that is there',
    corrupt: (f) => f.changeData(f.find('HistoryRemoved'), { removed: [['1', 'a'.repeat(64)]] }),
    says: 'another digest than its own',
  },
  {
    rule: 'removal',
    what: 'two digests for one position',
    corrupt: (f) => {
      const [one, two] = [f.find('HistoryRemoved'), f.find('HistoryRemoved', 1)]
      const [[position = ''] = []] = f.dataOf(one)['removed'] as string[][]
      return f.changeData(two, { removed: [...(f.dataOf(two)['removed'] as string[][]), [position, 'b'.repeat(64)]] })
    },
    says: 'two different digests',
  },
  {
    rule: 'removal',
    what: 'on another event',
    corrupt: (f) => f.change(f.find('HistoryRemoved'), { type: 'Other' }),
  },
  {
    rule: 'early-reuse',
    what: 'the key was not free when its history was removed',
    corrupt: (f) =>
      f.changeMetadata(f.find('HistoryRemoved'), (m) => (m['removal'] = { reusableAtMs: 9e12, removedAtMs: 9e12 })),
  },
  {
    rule: 'early-reuse',
    what: 'the generation before had not expired',
    corrupt: (f) =>
      f.changeMetadata(f.find('TransferMade', 1), (m) =>
        Object.assign(m.outcome ?? {}, { expiresAtMs: 9_999_999_999_999 }),
      ),
  },
  {
    rule: 'step',
    what: 'done twice',
    corrupt: (f) => f.changeData(f.find('StepCompleted', 1), { step: 'number', index: 0, result: 'x' }),
  },
  {
    rule: 'step',
    what: 'undone and never done',
    corrupt: (f) => f.change(f.find('StepCompleted'), { type: 'StepUndone' }),
  },
]

function metadataCorruptions(): readonly Corruption[] {
  const changes: Readonly<Record<string, (m: Record<string, unknown>) => void>> = {
    'another version': (m) => (m['v'] = 2),
    'no generation': (m) => (m['generation'] = 0),
    'no fingerprint': (m) => (m['fingerprint'] = 'x'),
    'no attempt': (m) => delete m['attemptId'],
    'an envelope without input': (m) => delete (m['envelope'] as Record<string, unknown>)['input'],
    'an envelope without time': (m) => delete (m['envelope'] as Record<string, unknown>)['receivedAtMs'],
    'an outcome of no kind': (m) => ((m['outcome'] as Record<string, unknown>)['kind'] = 'maybe'),
    'an outcome that expires before it is there': (m) => ((m['outcome'] as Record<string, unknown>)['expiresAtMs'] = 1),
    'an outcome without response': (m) => delete (m['outcome'] as Record<string, unknown>)['response'],
    'a release without reason': (m) => (m['release'] = { by: 'x', releasedAtMs: 1 }),
  }
  return Object.entries(changes).map(([what, change]) => ({
    rule: 'metadata',
    what,
    corrupt: (fixture) => fixture.changeMetadata(fixture.find('TransferMade'), change),
  }))
}

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
