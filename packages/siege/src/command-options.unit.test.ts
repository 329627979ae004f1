import { describe, expect, test } from 'vitest'
import { bodyArgument, commaList, headerArgument, routeArgument, siegeOptions, wholeNumber } from './command-options.ts'
import { siegeCommand } from './command.ts'

describe('arguments', () => {
  test('headers, several times', () => {
    expect(headerArgument('B:2', headerArgument('A: one: two'))).toEqual({ A: 'one: two', B: '2' })
    expect(() => headerArgument('nothing')).toThrow('Name: value')
  })

  test('routes, numbers, lists', () => {
    expect(routeArgument('put /a/b?c')).toEqual({ method: 'PUT', path: '/a/b?c' })
    expect(() => routeArgument('/a')).toThrow('METHOD /path')
    expect(wholeNumber('12')).toBe(12)
    for (const wrong of ['', '-1', '1.5', 'x', '1e3']) expect(() => wholeNumber(wrong), wrong).toThrow('whole number')
    expect(commaList('a, b,')).toEqual(['a', 'b'])
  })

  test('a body behind @ is a file', () => {
    expect(bodyArgument('{"a":1}')).toBe('{"a":1}')
    expect(bodyArgument(`@${import.meta.filename}`)).toContain('a body behind @ is a file')
    expect(() => bodyArgument('@/does/not/exist')).toThrow('cannot be read')
  })
})

test('what was not given has its default: it is not there', () => {
  expect(siegeOptions('http://x', { live: true })).toEqual({ url: 'http://x' })
  expect(
    siegeOptions('http://x', { live: true, ledgerCommand: 'count', ledgerField: 'n', maxSeconds: 2, think: 0 }),
  ).toEqual({ url: 'http://x', ledger: { command: 'count', field: 'n' }, maxTimeMs: 2_000, thinkMs: 0 })
})

test('every option of the command reaches the siege', () => {
  const command = siegeCommand()
  const names = command.options.map((option) => option.attributeName())
  expect(names.length).toBeGreaterThan(30)
  const all = Object.fromEntries(names.map((name) => [name, 1]))
  const options = siegeOptions('http://x', { ...all, live: true })
  // Of the output, and two spellings of the ledger.
  const apart = ['json', 'html', 'live', 'list', 'ledgerCommand', 'ledgerField']
  expect(Object.keys(options)).toHaveLength(1 + names.length - apart.length)
})
