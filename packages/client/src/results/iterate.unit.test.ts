import type { ResultEvent } from '@holdfast/contracts'
import { describe, expect, test } from 'vitest'
import { createDelivery, type ConsumeOptions } from './delivery.ts'
import { iterateResults } from './iterate.ts'

const resultOf = (id: string) => ({ id }) as ResultEvent

/** A consumption of these results, which then waits for the signal, or fails. */
function source(ids: readonly string[], failure?: Error) {
  const log: string[] = []
  const consume = async (options: ConsumeOptions): Promise<void> => {
    const delivery = createDelivery(options)
    try {
      for (const id of ids) {
        await delivery.handle(resultOf(id))
        await delivery.checkpoint(id)
        if (options.signal?.aborted === true) return
      }
      if (failure !== undefined) throw failure
      await new Promise((resolve) => options.signal?.addEventListener('abort', resolve, { once: true }))
    } finally {
      log.push('ended')
    }
  }
  const onCheckpoint = (place: string): void => void log.push(`checkpoint ${place}`)
  return { log, consume, onCheckpoint }
}

describe('results for `for await`', () => {
  test('a result is handled when the next one is asked for, each id once, until the signal fires', async () => {
    const { log, consume, onCheckpoint } = source(['a', 'b', 'a', 'c'])
    const stop = new AbortController()
    for await (const { id } of iterateResults(consume, { signal: stop.signal, onCheckpoint })) {
      log.push(id)
      if (id === 'c') setTimeout(() => stop.abort(), 5)
    }
    expect(log).toEqual(['a', 'checkpoint a', 'b', 'checkpoint b', 'checkpoint a', 'c', 'checkpoint c', 'ended'])
  })

  test.each(['break', 'throw'])(
    'the one at which the loop is left, by `%s`, is not behind a checkpoint',
    async (how) => {
      const { log, consume, onCheckpoint } = source(['a', 'b', 'c'])
      const loop = async (): Promise<void> => {
        for await (const { id } of iterateResults(consume, { onCheckpoint })) {
          log.push(id)
          if (id === 'b' && how === 'throw') throw new Error('the database is away')
          if (id === 'b') break
        }
      }
      if (how === 'throw') await expect(loop()).rejects.toThrow('the database is away')
      else await loop()
      // The consumption has ended before the loop has: no connection stays open.
      expect(log).toEqual(['a', 'checkpoint a', 'b', 'ended'])
    },
  )

  test('what ends the consumption is thrown behind what came before it', async () => {
    const { log, consume } = source(['a', 'b'], new Error('refused for good'))
    const loop = async (): Promise<void> => {
      for await (const { id } of iterateResults(consume, {})) log.push(id)
    }
    await expect(loop()).rejects.toThrow('refused for good')
    expect(log).toEqual(['a', 'b', 'ended'])
  })

  test('a signal that fires in the loop lets the result be finished, checkpoint and all', async () => {
    const { log, consume, onCheckpoint } = source(['a', 'b'])
    const stop = new AbortController()
    for await (const { id } of iterateResults(consume, { signal: stop.signal, onCheckpoint })) {
      log.push(id)
      stop.abort()
    }
    expect(log).toEqual(['a', 'checkpoint a', 'ended'])
  })

  test('nothing is begun before somebody asks', async () => {
    const { log, consume } = source([], new Error('never'))
    const iterator = iterateResults(consume, {})
    await iterator.return()
    expect(log).toEqual([])
  })
})
