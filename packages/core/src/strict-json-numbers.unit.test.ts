import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseStrictJson } from './strict-json.ts'

const exact = (text: string): number | undefined => {
  const result = parseStrictJson(text)
  return result.kind === 'value' ? (result.value as number) : undefined
}
const reasonOf = (text: string): string => {
  const result = parseStrictJson(text)
  return result.kind === 'invalid' ? result.reason : expect.fail(`${text.slice(0, 80)} was taken`)
}

describe('numbers that double precision carries', () => {
  test.each([
    ['0', 0],
    ['0.0', 0],
    ['0e9999', 0],
    ['1', 1],
    ['0.1', 0.1],
    ['1.10', 1.1],
    ['1.0', 1],
    ['1E2', 100],
    ['1e+2', 100],
    ['1.50e-1', 0.15],
    ['100e-2', 1],
    ['10', 10],
    ['1000000000000000000000', 1e21],
    ['1e21', 1e21],
    ['1e23', 1e23],
    ['123456789012345', 123456789012345],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992],
    ['0.30000000000000004', 0.30000000000000004],
    ['5e-324', 5e-324],
    ['2.2250738585072014e-308', 2.2250738585072014e-308],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['19.99', 19.99],
    ['0.000001', 0.000001],
    ['0.0000001', 1e-7],
  ])('%s', (text, value) => {
    expect(exact(text)).toBe(value)
    if (value !== 0) expect(exact(`-${text}`)).toBe(-value)
  })

  test.each(['-0', '-0.0', '-0e5'])('%s is zero, not minus zero: they would have two fingerprints', (text) => {
    expect(Object.is(exact(text), 0)).toBe(true)
  })

  test('property: every finite double, in every way that ECMAScript writes it', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const plain = value === 0 ? 0 : value
        expect(exact(JSON.stringify(value))).toBe(plain)
        expect(exact(plain.toExponential())).toBe(plain)
      }),
      { numRuns: 1_000 },
    )
  })

  test('property: amounts of money, with trailing zeros or not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), fc.nat(99), fc.nat(4), (whole, cents, zeros) => {
        const text = `${whole}.${String(cents).padStart(2, '0')}${'0'.repeat(zeros)}`
        expect(exact(text)).toBe(Number(text))
      }),
    )
  })

  test('property: safe integers', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(exact(String(value))).toBe(value)
      }),
    )
  })
})

describe('numbers that it does not carry', () => {
  test.each([
    '9007199254740993',
    '-9007199254740993',
    '123456789012345678',
    '12345678901234567890',
    '1e400',
    '-1e400',
    '1e999999999999999999999',
    '1e-400',
    '-1e-400',
    '1E-400',
    '1e-999999999999999999999',
    '0.1e-400',
    '2e-324',
    '3e-324',
    '4.9e-324',
    '0.30000000000000001',
    '0.1000000000000000055511151231257827',
    '3.14159265358979323846',
    '1.00000000000000000001',
    '1.7976931348623159e308',
    '2.225073858507201e-400',
  ])('%s is refused, and the reason says what to do', (text) => {
    expect(reasonOf(text)).toMatch(/cannot be carried exactly; send it as a string/)
    expect(reasonOf(`[${text}]`)).toContain(text.slice(0, 40))
  })

  test('property: two integers that would be one double are not both taken', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }), (value) => {
        const taken = exact(value.toString())
        if (taken !== undefined) expect(String(taken)).toBe(String(Number(value)))
        expect(exact(value.toString()) === exact((value + 1n).toString()) && taken !== undefined).toBe(false)
      }),
    )
  })
})

describe('malformed numbers', () => {
  test.each([
    ['01', /leading zero/],
    ['-01', /leading zero/],
    ['00', /leading zero/],
    ['01.5', /leading zero/],
    ['-', /malformed/],
    ['-a', /malformed/],
    ['--1', /malformed/],
    ['+1', /no value/],
    ['.5', /no value/],
    ['5.', /after the end/],
    ['5.e1', /after the end/],
    ['1e', /after the end/],
    ['1e+', /after the end/],
    ['1.2.3', /after the end/],
    ['0x10', /after the end/],
    ['1_000', /after the end/],
    ['1n', /after the end/],
    ['١', /no value/],
  ])('%s', (text, reason) => {
    expect(reasonOf(text)).toMatch(reason)
  })
})

/** A body may be a mebibyte long, and one number of it all of that: judging it must stay linear. */
describe('very long numbers', () => {
  const digits = 1_000_000

  test.each([
    { case: 'zeros between two ones', text: `1.${'0'.repeat(digits)}1`, taken: false },
    { case: 'zeros after the point', text: `0.${'0'.repeat(digits)}1`, taken: false },
    { case: 'zeros at the end', text: `1.${'0'.repeat(digits)}`, taken: true },
    { case: 'ones and zeros', text: `1.${'10'.repeat(digits / 2)}`, taken: false },
    { case: 'an integer', text: `1${'0'.repeat(digits)}`, taken: false },
    { case: 'an exponent', text: `1e${'0'.repeat(digits)}1`, taken: true },
  ])('$case', ({ text, taken }) => {
    expect(parseStrictJson(text).kind).toBe(taken ? 'value' : 'invalid')
  })
})
