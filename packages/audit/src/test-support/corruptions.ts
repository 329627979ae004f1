import type { Rule } from '../verify/findings.ts'
import type { Fixture } from './fixture.ts'

/** A change that a rule has to find. */
export interface Corruption {
  readonly rule: Rule
  readonly what: string
  readonly corrupt: (fixture: Fixture) => Fixture
  /** Part of the message. */
  readonly says?: string
}

/** One for each way in which a rule can be broken. */
export const corruptions: readonly Corruption[] = [
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
    rule: 'outcome',
    what: 'a release without its record',
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
    rule: 'result',
    what: 'a time that no date has',
    corrupt: (f) =>
      f.changeMetadata(f.find('TransferMade'), (m) =>
        Object.assign(m.outcome ?? {}, { expiresAtMs: 8_640_000_000_000_001 }),
      ),
    says: 'no result can be made of it',
  },
  {
    rule: 'result',
    what: 'the result of another key',
    corrupt: (f) => f.changeMetadata(f.find('TransferMade'), (m) => Object.assign(m.envelope ?? {}, { key: 'other' })),
    says: 'is expected',
  },
  {
    rule: 'envelope',
    what: 'another tenant further on',
    corrupt: (f) => f.changeMetadata(f.find('AccountChecked'), (m) => (m['tenant'] = 'other')),
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
