import { expect, test } from 'vitest'
import { endOfTurn } from './end-of-turn.ts'

test('all who wait in one turn go on together, behind what was to be done in it', async () => {
  const log: string[] = []
  const first = endOfTurn().then(() => log.push('first'))
  await Promise.resolve()
  log.push('a microtask')
  const second = endOfTurn().then(() => log.push('second'))
  process.nextTick(() => log.push('a tick'))
  await Promise.all([first, second])
  expect(log).toEqual(['a microtask', 'a tick', 'first', 'second'])
})

test('the next turn is another one', async () => {
  const one = endOfTurn()
  await one
  expect(endOfTurn()).not.toBe(one)
})
