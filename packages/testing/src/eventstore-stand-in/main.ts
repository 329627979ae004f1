/** Runs the stand-in as a process. */
import { mkdirSync } from 'node:fs'
import * as path from 'node:path'
import { startControlServer } from './control-http.ts'
import { helpText, resolveSettings } from './settings.ts'
import { startStandIn } from './start-stand-in.ts'

const resolved = resolveSettings(process.argv.slice(2), process.env)
if (resolved.kind === 'help') {
  process.stdout.write(helpText)
} else if (resolved.kind === 'invalid') {
  process.stderr.write(`${resolved.message}\n`)
  process.exitCode = 2
} else {
  const { controlPort, indexDelayMs, ...options } = resolved.settings
  mkdirSync(path.dirname(options.dataFile), { recursive: true })
  const standIn = await startStandIn({
    ...options,
    // Nothing is flushed and nobody is told: what a test of crashes wants.
    onDie: () => process.kill(process.pid, 'SIGKILL'),
  }).catch((error: unknown) => {
    process.stderr.write(
      `the EventStoreDB stand-in cannot start: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    process.exit(1)
  })
  standIn.control.setIndexDelay(indexDelayMs)
  const levers = controlPort === undefined ? undefined : await startControlServer(standIn.control, controlPort)
  const where = levers ? `, control ${levers.url}` : ''
  process.stdout.write(`EventStoreDB stand-in (a test part, not a database) ready at ${standIn.url}${where}\n`)
  const stop = (): void => {
    void Promise.all([standIn.close(), levers?.close()]).then(() => process.exit(0))
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}
