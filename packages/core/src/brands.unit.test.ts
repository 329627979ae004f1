import { describe, expect, test } from 'vitest'
import { commandIdOfStream, commandStreamPrefix, parseCommandId, streamOf } from './brands.ts'

const id = parseCommandId('0123456789abcdef'.repeat(4)) ?? expect.fail('64 hexadecimal digits are a command id')

describe('command ids and stream names', () => {
  test.each(['', 'abc', 'g'.repeat(64), 'A'.repeat(64), 'a'.repeat(63), 'a'.repeat(65), `${'a'.repeat(64)}\n`])(
    '%j is no command id',
    (text) => {
      expect(parseCommandId(text)).toBeUndefined()
    },
  )

  test('a stream is named by its command, and tells it back', () => {
    expect(streamOf(id)).toBe(`command-${id}`)
    expect(streamOf(id).startsWith(commandStreamPrefix)).toBe(true)
    expect(commandIdOfStream(streamOf(id))).toBe(id)
  })

  test.each(['command-', 'command-abc', `commands-${id}`, `Command-${id}`, id, `command-${id}0`, `x command-${id}`])(
    'the stream %s belongs to no command',
    (stream) => {
      expect(commandIdOfStream(stream)).toBeUndefined()
    },
  )
})
