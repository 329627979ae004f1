import { describe, expect, test } from 'vitest'
import { createOutputMatcher } from './expected-output.ts'

const [idA, idB] = ['01a20ba2-3e22-79ad-9ecb-76e08ad46db1', '01a20ba2-3e64-746f-9379-2f5260e88e7c']
const [idC, idD] = ['4dbbc580-8969-46fc-a357-b7629432e0f1', 'ed765f25-ba62-4901-ab1f-4632440ad1ca']

const compare = (expected: string, actual: string): string | undefined =>
  createOutputMatcher().compare(expected, actual)

describe('the output of a documented command', () => {
  test.each([
    ['the same text', 'HTTP/1.1 201 Created', 'HTTP/1.1 201 Created\r\n'],
    ['white space at the ends of lines', 'a\nb', 'a \r\nb\r\n\r\n'],
    ['other ids', `{"id":"${idA}"}`, `{"id":"${idB}"}`],
    ['other hashes', 'f'.repeat(64), `${'0'.repeat(63)}1`],
    ['other times', 'at 2026-01-01T00:00:00Z', 'at 2027-12-31T23:59:59Z'],
    ['other times, with a fraction', '"2026-01-01T00:00:00.123Z"', '"2027-12-31T23:59:59.004Z"'],
    ['other dates', 'Date: Tue, 24 Nov 2026 03:38:31 GMT', 'Date: Wed, 25 Nov 2026 03:38:31 GMT'],
    ['an id that comes again', `${idA} ${idA}`, `${idB} ${idB}`],
    ['text that is left out of a line', 'x-request-id: …', `x-request-id: ${idB}`],
    ['lines that are left out', 'first\n…\nlast', 'first\nsecond\nthird\nlast'],
    ['no lines where some may be left out', 'first\n…\nlast', 'first\nlast'],
    ['lines that are left out at the end', 'first\n…', 'first\nsecond\nthird'],
    ['characters that a pattern would mean something by', '[1] (2) {3} $4 ^5 a|b c/d', '[1] (2) {3} $4 ^5 a|b c/d'],
  ])('fits: %s', (_what, expected, actual) => {
    expect(compare(expected, actual)).toBeUndefined()
  })

  test.each([
    ['another status', 'HTTP/1.1 201 Created', 'HTTP/1.1 200 OK'],
    ['a line more', 'a', 'a\nb'],
    ['a line less', 'a\nb', 'a'],
    ['nothing', 'a', ''],
    ['something where nothing was shown', '', 'a'],
    ['no id where one was shown', `{"id":"${idA}"}`, '{"id":""}'],
    ['two ids where one was shown twice', `${idA} ${idA}`, `${idB} ${idC}`],
    ['one id where two were shown', `${idA} ${idB}`, `${idC} ${idC}`],
    ['no time where one was shown', '2026-01-01T00:00:00Z', 'yesterday'],
    ['a dot is no pattern', 'a.b', 'axb'],
    ['another line behind those that are left out', 'first\n…\nlast', 'first\nsecond\nlater'],
  ])('does not fit: %s', (_what, expected, actual) => {
    expect(compare(expected, actual)).toContain('and the output')
  })

  test('an id keeps its identity over the blocks of a document', () => {
    const matcher = createOutputMatcher()
    expect(matcher.compare(`placed ${idA}`, `placed ${idC}`)).toBeUndefined()
    expect(matcher.compare(`replayed ${idA}`, `replayed ${idC}`)).toBeUndefined()
    expect(matcher.compare(`replayed ${idA}`, `replayed ${idD}`)).toBeDefined()
    expect(matcher.compare(`another ${idB}`, `another ${idD}`)).toBeUndefined()
  })

  test('a second id that turns out to be the first one does not fit', () => {
    const matcher = createOutputMatcher()
    expect(matcher.compare(idA, idC)).toBeUndefined()
    expect(matcher.compare(idB, idC)).toContain('two ids')
  })
})
