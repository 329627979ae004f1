import { afterEach, beforeEach, expect, test } from 'vitest'
import { withoutWarning } from './without-warning.ts'

const warnings: unknown[][] = []
const holder = process as { emitWarning: (...args: unknown[]) => void }
const original = holder.emitWarning

beforeEach(() => {
  warnings.length = 0
  holder.emitWarning = (...args) => {
    warnings.push(args)
  }
})
afterEach(() => {
  holder.emitWarning = original
})

test('drops warnings of the type, in every form, and lets others pass', () => {
  const error = Object.assign(new Error('an error'), { name: 'ExperimentalWarning' })
  const result = withoutWarning('ExperimentalWarning', () => {
    process.emitWarning('dropped', 'ExperimentalWarning')
    process.emitWarning('dropped', { type: 'ExperimentalWarning', code: 'X' })
    process.emitWarning(error)
    process.emitWarning('passes', 'DeprecationWarning', 'DEP0')
    process.emitWarning('passes too')
    return 1
  })
  expect(result).toBe(1)
  expect(warnings).toEqual([['passes', 'DeprecationWarning', 'DEP0'], ['passes too']])
})

test('afterwards, and after an error, all warnings pass again', () => {
  expect(() =>
    withoutWarning('ExperimentalWarning', () => {
      throw new Error('within')
    }),
  ).toThrow('within')
  process.emitWarning('passes', 'ExperimentalWarning')
  expect(warnings).toEqual([['passes', 'ExperimentalWarning']])
})
