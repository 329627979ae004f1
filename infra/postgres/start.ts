/**
 * `npm run postgres`: a PostgreSQL server on loopback for trying the distributed runtime without Docker, from the
 * programs of this machine (Debian: package `postgresql`).
 */
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { createPostgresProcess, killWithChildren } from '../../packages/testing/src/postgres/server-process.ts'

const usage = `A PostgreSQL server on 127.0.0.1, from the programs of this machine (Debian: package postgresql).

  npm run postgres -- [options]

  --port <n>        TCP port for clients           HOLDFAST_POSTGRES_PORT      default 5432
  --data-dir <dir>  where the data are kept        HOLDFAST_POSTGRES_DATA_DIR  default ./data/postgres
  --log             print what the server logs
  --help            this text

User and password are "holdfast". PostgreSQL refuses root: started by root, it runs as the account "postgres", else
"nobody", which must be able to reach the folder. Ends on SIGINT and SIGTERM.`

const stop = (message: string): never => {
  console.error(message)
  process.exit(1)
}

const { values } = (() => {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: process.env['HOLDFAST_POSTGRES_PORT'] ?? '5432' },
        'data-dir': { type: 'string', default: process.env['HOLDFAST_POSTGRES_DATA_DIR'] ?? './data/postgres' },
        log: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return stop(`${(error as Error).message} (--help lists the options)`)
  }
})()

if (values.help) {
  console.log(usage)
  process.exit(0)
}
const port = Number(values.port)
if (!Number.isInteger(port) || port < 1 || port > 65_535)
  stop(`port is "${values.port}": a number from 1 to 65535 is allowed`)

let ending = false
try {
  const dataDir = resolve(values['data-dir'])
  await mkdir(dirname(dataDir), { recursive: true })
  const onLog = values.log ? (line: string) => console.log(line) : undefined
  const server = await createPostgresProcess({ port, dataDir, ...(onLog && { onLog }) })
  const end = () => {
    ending = true
    void server.stop().then(() => process.exit(0))
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  process.once('exit', () => {
    if (server.pid !== undefined) killWithChildren(server.pid)
  })
  await server.start()
  console.log(`postgres ready: ${server.url} (pid ${String(server.pid)}, data in ${dataDir})`)
  stop(await server.died)
} catch (error) {
  if (!ending) stop(`postgres: ${(error as Error).message}`)
}
