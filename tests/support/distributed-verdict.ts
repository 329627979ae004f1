import { commandIdOf, type IdempotencyKey, type Tenant } from '@holdfast/core'
import { until } from '@holdfast/testing/processes'
import { expect } from 'vitest'
import { createCaller } from './distributed-caller.ts'
import { findBreaches } from './distributed-checker.ts'
import type { History, KeyHistory } from './distributed-history.ts'
import type { Cluster } from './distributed.ts'

const atATime = 50

const timeoutMs = 90_000

const isAcknowledged = ({ observations }: KeyHistory): boolean =>
  observations.some(({ result }) => result.kind === 'answer' && result.response.status !== 503)

/**
 * Asserts, after whatever has happened to the processes, that no promise was broken. What was acknowledged comes to its
 * outcome though nobody asks for it any more; then every key is asked for once more at each gateway, and everything that
 * clients ever saw is compared with itself and with the event store.
 */
export async function expectPromisesKept(cluster: Cluster, history: History): Promise<void> {
  const keys = history.keys()
  expect(keys.length, 'keys that were used').toBeGreaterThan(0)
  const acknowledged = keys.filter(isAcknowledged).map(({ intent }) => intent.key)
  await until(async () => (await withoutOutcome(cluster, acknowledged)).length === 0, {
    what: 'an outcome of every acknowledged command',
    timeoutMs,
    everyMs: 250,
  }).catch(async (error: unknown) => {
    expect(await withoutOutcome(cluster, acknowledged), 'acknowledged, and without an outcome').toEqual([])
    throw error
  })
  for (const url of cluster.urls) {
    const caller = createCaller({ urls: [url], history })
    const ask = async ({ intent }: KeyHistory): Promise<unknown> => caller.persist({ ...intent, prefer: 'wait=30' })
    for (let at = 0; at < keys.length; at += atATime) await Promise.all(keys.slice(at, at + atATime).map(ask))
  }
  expect(findBreaches(history.keys(), await cluster.streams())).toEqual([])
}

async function withoutOutcome(cluster: Cluster, keys: readonly string[]): Promise<readonly string[]> {
  const streams = await cluster.streams()
  return keys.filter((key) => {
    const events = streams.get(commandIdOf('default' as Tenant, key as IdempotencyKey)) ?? []
    return events.every((event) => event.metadata['outcome'] === undefined)
  })
}
