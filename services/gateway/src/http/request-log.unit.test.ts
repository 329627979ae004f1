import { createLogger } from '@holdfast/observability'
import { expect, test } from 'vitest'
import { RequestLog } from './request-log.ts'

test('makes the logger behind it with the first line, and each line has its bindings', () => {
  const lines: string[] = []
  const parent = createLogger({ level: 'trace', service: 'test', destination: { write: (line) => lines.push(line) } })
  let made = 0
  const log = new RequestLog(() => {
    made++
    return parent.child({ reqId: 'r-1' })
  })
  expect(made).toBe(0)
  log.warn({ err: new Error('late') }, 'a try failed')
  log.trace('again')
  log.child({ part: 'p' }).info('deeper')
  expect(made).toBe(1)
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { level: 40, reqId: 'r-1', msg: 'a try failed', err: { message: 'late' } },
    { level: 10, reqId: 'r-1', msg: 'again' },
    { level: 30, reqId: 'r-1', part: 'p', msg: 'deeper' },
  ])
})

test.each(['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const)('%s writes at its level', (level) => {
  const lines: string[] = []
  const parent = createLogger({ level: 'trace', service: 'test', destination: { write: (line) => lines.push(line) } })
  new RequestLog(() => parent)[level]('text')
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { level: parent.levels.values[level], msg: 'text' },
  ])
})
