import { describe, expect, test } from 'vitest'
import { commandProgressSchema, commandStates, commandStatusSchema, type CommandStatus } from './command-status.ts'

const status: CommandStatus = {
  command_id: 'c'.repeat(64),
  state: 'succeeded',
  attempts: 1,
  command: 'order.place',
  generation: 1,
  fingerprint: 'f'.repeat(64),
  accepted_at: '2025-01-02T03:04:05.678Z',
  completed_at: '2025-01-02T03:04:06.000Z',
  expires_at: '2025-01-03T03:04:06.000Z',
  response: { status: 201, headers: { 'content-type': 'application/json' }, body: '{}' },
}

describe('the status of a command', () => {
  test('passes its schema, whole and while it is open', () => {
    expect(commandStatusSchema.parse(status)).toEqual(status)
    const { completed_at: _completed, expires_at: _expires, response: _response, ...open } = status
    expect(commandStatusSchema.parse({ ...open, state: 'accepted' })).toEqual({ ...open, state: 'accepted' })
  })

  test.each([
    { state: 'running' },
    { attempts: -1 },
    { attempts: 0.5 },
    { generation: 0 },
    { accepted_at: 'yesterday' },
    { accepted_at: 1_700_000_000_000 },
    { response: { status: 201 } },
    { response: { status: 201, headers: { etag: 1 }, body: '' } },
  ])('does not with %j', (wrong) => {
    expect(commandStatusSchema.safeParse({ ...status, ...wrong }).success).toBe(false)
  })

  test.each(commandStates)('%s is a state of a 202', (state) => {
    const progress = { command_id: 'c', state, attempts: 0 }
    expect(commandProgressSchema.parse(progress)).toEqual(progress)
  })
})
