import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { helpText, resolveSettings } from './settings.ts'

describe('the settings of the stand-in', () => {
  test('have defaults', () => {
    expect(resolveSettings([], {})).toEqual({
      kind: 'settings',
      settings: {
        port: 2113,
        host: '127.0.0.1',
        dataFile: path.resolve('./data/eventstore-stand-in.log'),
        controlPort: undefined,
        batchAppend: true,
        maxAppendBytes: 1_048_576,
        writeTimeoutMs: 2_000,
        indexDelayMs: 0,
        unsafeNoSync: false,
      },
    })
  })

  test('come from the environment, and the flag wins', () => {
    const env = { HOLDFAST_STANDIN_PORT: '7', HOLDFAST_STANDIN_DATA: '/x/env', HOLDFAST_STANDIN_CONTROL_PORT: '0' }
    const result = resolveSettings(['--data', '/x/flag', '--no-batch-append', '--index-delay-ms=30'], env)
    expect(result).toMatchObject({
      settings: { port: 7, dataFile: '/x/flag', controlPort: 0, batchAppend: false, indexDelayMs: 30 },
    })
  })

  test.each([
    { argv: ['--port', 'many'], names: ['--port', 'HOLDFAST_STANDIN_PORT', 'many', '65535'] },
    { argv: ['--port', '70000'], names: ['70000'] },
    { argv: ['--port'], names: ['--port needs a value'] },
    { argv: ['--unsafe-no-sync=perhaps'], names: ['HOLDFAST_STANDIN_UNSAFE_NO_SYNC', 'perhaps'] },
    { argv: ['--fast'], names: ['unknown flag --fast'] },
  ])('name what is wrong: $argv', ({ argv, names }) => {
    const result = resolveSettings(argv, {})
    expect(result.kind).toBe('invalid')
    for (const name of names) expect(result).toMatchObject({ message: expect.stringContaining(name) as string })
  })

  test('--help tells every flag and variable', () => {
    expect(resolveSettings(['--help'], {})).toEqual({ kind: 'help' })
    expect(helpText).toContain('--control-port')
    expect(helpText).toContain('HOLDFAST_STANDIN_DATA')
  })
})
