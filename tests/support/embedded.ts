import { startService, temporaryFolder, type ServiceProcess } from '@holdfast/testing/processes'
import { refuseFileGrowth } from './file-limit.ts'
import { entries } from './paths.ts'
import { streamEvents } from './read-history.ts'
import type { StartTestServer } from './server.ts'

export interface StandaloneOptions {
  readonly app: string
  readonly dataDir: string
  readonly env?: Readonly<Record<string, string>>
}

/** The standalone service as a process, on a data folder that the caller keeps. */
export const startStandaloneProcess = ({ app, dataDir, env }: StandaloneOptions): Promise<ServiceProcess> =>
  startService({
    entry: entries.standalone,
    env: { HOLDFAST_APP: app, HOLDFAST_DATA_DIR: dataDir, ...env },
  })

/** The embedded runtime: one process, on data of its own. */
export const startEmbedded: StartTestServer = async (options) => {
  const folder = await temporaryFolder()
  const service = await startStandaloneProcess({ ...options, dataDir: folder.path }).catch(async (error: unknown) => {
    await folder[Symbol.asyncDispose]()
    throw error
  })
  return {
    urls: [service.url],
    metricsUrls: [service.url],
    logLines: () => service.log.lines,
    events: (commandId) => streamEvents(folder.path, commandId),
    ...(process.platform === 'linux' && { breakStore: () => refuseFileGrowth(service.pid) }),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}
