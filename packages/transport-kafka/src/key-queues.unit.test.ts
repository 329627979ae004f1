import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKeyQueues } from './key-queues.ts'

test('one key: one at a time, in order', async () => {
  const queues = createKeyQueues(10)
  const log: string[] = []
  for (const name of ['a', 'b', 'c']) {
    queues.enqueue('key', async () => {
      log.push(`${name} begins`)
      await turn()
      log.push(`${name} ends`)
    })
  }
  await queues.idle()
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

test('different keys go side by side, up to the limit', async () => {
  const queues = createKeyQueues(3)
  let most = 0
  const done: number[] = []
  for (let key = 0; key < 10; key++) {
    queues.enqueue(String(key), async () => {
      most = Math.max(most, queues.running)
      await turn()
      done.push(key)
    })
  }
  await queues.idle()
  expect(most).toBe(3)
  expect(done.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(queues.running).toBe(0)
})

test('a run that waits gives its slot to others, and its key keeps its place', async () => {
  const queues = createKeyQueues(1)
  const gate = Promise.withResolvers<void>()
  const log: string[] = []
  queues.enqueue('slow', async (slot) => {
    log.push('slow waits')
    await slot.yielding(gate.promise)
    log.push('slow goes on')
  })
  queues.enqueue('slow', () => {
    log.push('slow again')
    return Promise.resolve()
  })
  queues.enqueue('other', () => {
    log.push('other')
    gate.resolve()
    return Promise.resolve()
  })
  await queues.idle()
  expect(log).toEqual(['slow waits', 'other', 'slow goes on', 'slow again'])
})

test('idle is at once when nothing is queued', async () => {
  await createKeyQueues(1).idle()
})
