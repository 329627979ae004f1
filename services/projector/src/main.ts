import { loadSettings, unknownSettings } from '@holdfast/config'
import { createLogger, runService } from '@holdfast/observability'
import { startProjectorService } from './app.ts'

await runService({
  stopTimeoutMs: 60_000,
  start: async () => {
    const settings = loadSettings(process.env)
    const log = createLogger({ level: settings.LOG_LEVEL, service: 'projector' })
    for (const name of unknownSettings(process.env)) log.warn({ name }, 'no such setting; see docs/configuration.md')
    const service = await startProjectorService(settings, log)
    log.info({ url: service.url, owner: service.owner }, 'listening')
    await service.started
    log.info({ url: service.url, app: settings.APP }, 'ready')
    return { service, log }
  },
})
