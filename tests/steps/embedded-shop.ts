import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@holdfast/testing/processes'
import { createApi } from '../support/api.ts'
import { startNode } from '../support/distributed-node.ts'
import { entries } from '../support/paths.ts'
import { withHistory } from '../support/read-history.ts'
import { createClient } from './client.ts'
import { createCrasher } from './crash-points.ts'
import { startProviders } from './providers.ts'
import { readHistories, shopSettings, type Shop } from './shop.ts'

export interface EmbeddedShop extends Shop {
  /** Where the event store is. */
  readonly dataDir: string
}

/** The order service as one process, on data of its own. */
export async function startEmbeddedShop(settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedShop> {
  await using resources = new AsyncDisposableStack()
  const folder = resources.use(await temporaryFolder('holdfast-steps'))
  const providers = resources.use(await startProviders(folder.path))
  const crasher = createCrasher(folder.path)
  const dataDir = join(folder.path, 'data')
  await mkdir(dataDir)
  const env = { ...shopSettings, ...providers.env, ...crasher.env, HOLDFAST_DATA_DIR: dataDir, ...settings }
  const node = resources.use(await startNode({ entry: entries.standalone, env }))
  const owned = resources.move()
  const api = createApi([node.url])
  return {
    api,
    client: createClient(api),
    providers,
    crasher,
    nodes: [node],
    dataDir,
    histories: () => withHistory(dataDir, readHistories),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
