/**
 * A projector as a process, for tests that kill and pause it: claims the build again and again, and while it has it makes
 * one commit after the other: the documents of the tenant `t` count the commits, all of them alike. Says on standard
 * output what it does, a JSON line for each.
 */
import { ReadStoreError, type ProjectionClaim } from '@holdfast/core'
import { createPostgresReadStore } from '../read-store.ts'
import { countCommit, documentCount } from './counting.ts'

const {
  TEST_URL: url = '',
  TEST_SCHEMA: schema = '',
  TEST_OWNER: owner = '',
  TEST_LEASE_MS: leaseMs = '',
} = process.env
const store = createPostgresReadStore({ url, schema, maxConnections: 2 })
const say = (msg: string, fields: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ msg, ...fields })}\n`)
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function work(claim: ProjectionClaim, from: bigint): Promise<void> {
  for (let position = from + 1n; ; position++) {
    const result = await store.commit(claim, countCommit(position))
    say(result.kind, { position: Number(position), token: Number(claim.token) })
    if (result.kind !== 'committed') return
  }
}

say('ready', { documents: documentCount })
for (;;) {
  try {
    const result = await store.claim({ name: 'counted', version: 1, owner, leaseMs: Number(leaseMs) })
    if (result.kind === 'claimed') {
      say('claimed', { position: Number(result.position) })
      await work(result.claim, result.position)
    }
  } catch (error) {
    if (!(error instanceof ReadStoreError) || !error.canRetry) throw error
    say('unavailable', { message: error.message })
  }
  await pause(20)
}
