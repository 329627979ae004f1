import { describe, expect, test } from 'vitest'
import { parseMoment } from './moment.ts'

const noon = Date.UTC(2026, 0, 31, 12)

describe('a moment', () => {
  test.each<[text: string, moment: ReturnType<typeof parseMoment>]>([
    ['0', { position: 0n }],
    ['9223372036854775807', { position: 2n ** 63n - 1n }],
    ['2026-01-31T12:00:00Z', { timeMs: noon }],
    ['2026-01-31t12:00:00z', { timeMs: noon }],
    ['2026-01-31 12:00:00Z', { timeMs: noon }],
    ['2026-01-31T12:00:00.1239Z', { timeMs: noon + 123 }],
    ['2026-01-31T13:30:00+01:30', { timeMs: noon }],
    ['2026-01-31T00:00:00-12:00', { timeMs: noon }],
    ['2024-02-29T00:00:00Z', { timeMs: Date.UTC(2024, 1, 29) }],
    ['2026-01-31T12:00:60Z', { timeMs: noon + 59_999 }],
  ])('%s', (text, moment) => {
    expect(parseMoment(text)).toEqual(moment)
  })

  test.each([
    ...['', '-1', '1.0', '0x10', '9223372036854775808', 'now', '2026-01-31', '2026-01-31T12:00Z'],
    ...['2026-01-31T24:00:00Z', '2026-01-31T12:60:00Z', '2026-01-31T12:00:61Z', '2026-02-29T12:00:00Z'],
    ...['2026-13-01T12:00:00Z', '2026-01-31T12:00:00', '2026-01-31T12:00:00+25:00', 'Sat, 31 Jan 2026 12:00:00 GMT'],
  ])('"%s" is none', (text) => {
    expect(parseMoment(text)).toBeUndefined()
  })
})
