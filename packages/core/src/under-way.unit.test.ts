import { expect, test } from 'vitest'
import { UnderWay } from './under-way.ts'

test('idle waits for all that has begun, however it overlaps', async () => {
  const work = new UnderWay()
  await work.idle()
  work.begin()
  work.begin()
  let idle = 0
  const both = [work.idle(), work.idle()].map((each) => each.then(() => idle++))
  work.end()
  await Promise.resolve()
  expect(idle).toBe(0)
  work.begin()
  work.end()
  await Promise.resolve()
  expect(idle).toBe(0)
  work.end()
  await Promise.all(both)
  expect(idle).toBe(2)
})
