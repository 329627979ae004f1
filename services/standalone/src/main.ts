import { loadSettings, unknownSettings } from '@holdfast/config'
import { createLogger, runService } from '@holdfast/observability'
import { startStandalone } from './app.ts'

await runService({
  stopTimeoutMs: 60_000,
  start: async () => {
    const settings = loadSettings(process.env)
    const log = createLogger({ level: settings.LOG_LEVEL, service: 'standalone' })
    for (const name of unknownSettings(process.env)) log.warn({ name }, 'no such setting; see docs/configuration.md')
    const service = await startStandalone(settings, log)
    log.info({ url: service.url, dataDir: settings.DATA_DIR, app: settings.APP }, 'ready')
    return { service, log }
  },
})
