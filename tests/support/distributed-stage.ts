import { fileURLToPath } from 'node:url'
import type { KafkaBroker } from '@holdfast/testing/kafka'
import { afterAll, beforeAll } from 'vitest'
import { createApi, type Api } from './api.ts'
import { startStandInProcess, type StandInProcess } from './distributed-event-store.ts'
import { createGates, type Gates } from './distributed-gate.ts'
import { startCluster, type Cluster, type ClusterOptions } from './distributed.ts'

/** A cluster whose processes, all of them, are in the test's hand. */
export interface Stage {
  readonly cluster: Cluster
  readonly standIn: StandInProcess
  readonly gates: Gates
  /** Over both gateways in turn. */
  readonly api: Api
}

export type StageOptions = Partial<Pick<ClusterOptions, 'env' | 'gateways' | 'handlers' | 'partitions'>>

const app = fileURLToPath(new URL('distributed-app.ts', import.meta.url))

/** Sets a stage up before the tests of the present suite, on the broker of its file, and takes it down after them. */
export function useStage(kafka: () => KafkaBroker, options: StageOptions = {}): () => Stage {
  let stage: (Stage & { readonly resources: AsyncDisposableStack }) | undefined
  beforeAll(async () => {
    await using resources = new AsyncDisposableStack()
    const gates = resources.use(await createGates())
    const standIn = resources.use(await startStandInProcess())
    const { brokers } = kafka()
    const cluster = resources.use(await startCluster({ ...options, app, brokers, eventStore: standIn }))
    stage = { cluster, standIn, gates, api: createApi(cluster.urls), resources: resources.move() }
  })
  afterAll(() => stage?.resources.disposeAsync())
  return () => {
    if (stage === undefined) throw new Error('the stage is there from beforeAll on')
    return stage
  }
}
