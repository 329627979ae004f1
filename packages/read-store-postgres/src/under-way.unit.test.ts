import { expect, test } from 'vitest'
import { createUnderWay } from './under-way.ts'

const later = () => new Promise<void>((resolve) => setImmediate(resolve))

test('what is in turn goes in the order of the calls, a failure too, and others do not wait', async () => {
  const underWay = createUnderWay()
  const done: string[] = []
  const step = (name: string, turns: number) => async () => {
    for (let n = 0; n < turns; n++) await later()
    done.push(name)
    if (name === 'fails') throw new Error(name)
  }
  const results = await Promise.allSettled([
    underWay.runInTurn('a', step('fails', 3)),
    underWay.runInTurn('a', step('second', 2)),
    underWay.runInTurn('a', step('third', 1)),
    underWay.runInTurn('b', step('other', 1)),
    underWay.run(step('free', 1)),
  ])
  expect(done.filter((name) => !['other', 'free'].includes(name))).toEqual(['fails', 'second', 'third'])
  expect(done.indexOf('other')).toBeLessThan(done.indexOf('second'))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'])
})

test('the end waits for what was begun, and nothing begins after it', async () => {
  const underWay = createUnderWay()
  let done = 0
  const work = async () => {
    await later()
    done++
  }
  const begun = [underWay.run(work), underWay.runInTurn('a', work), underWay.runInTurn('a', work)]
  await underWay.end()
  expect(done).toBe(3)
  await Promise.all(begun)
  await expect(underWay.run(work)).rejects.toMatchObject({ code: 'closed' })
  await expect(underWay.runInTurn('a', work)).rejects.toMatchObject({ code: 'closed' })
  await underWay.end()
})
