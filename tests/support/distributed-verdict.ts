import { expect } from 'vitest'
import { createCaller } from './distributed-caller.ts'
import { findBreaches } from './distributed-checker.ts'
import type { History, KeyHistory } from './distributed-history.ts'
import type { Cluster } from './distributed.ts'

const atATime = 50

/**
 * Asserts, after whatever has happened to the processes, that no promise was broken: every key is asked for once more at
 * each gateway, and then everything that clients ever saw is compared with itself and with the event store.
 */
export async function expectPromisesKept(cluster: Cluster, history: History): Promise<void> {
  const keys = history.keys()
  expect(keys.length, 'keys that were used').toBeGreaterThan(0)
  for (const url of cluster.urls) {
    const caller = createCaller({ urls: [url], history })
    const ask = async ({ intent }: KeyHistory): Promise<unknown> => caller.persist({ ...intent, prefer: 'wait=30' })
    for (let at = 0; at < keys.length; at += atATime) await Promise.all(keys.slice(at, at + atATime).map(ask))
  }
  expect(findBreaches(history.keys(), await cluster.streams())).toEqual([])
}
