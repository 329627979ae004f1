import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findProgram } from '../kafka/kafka-jars.ts'
import { runToExit, temporaryFolder } from '../processes/index.ts'
import { describeWithPostgres } from './describe-with-postgres.ts'
import { findPostgresPrograms } from './postgres-programs.ts'
import { startPostgres } from './start-postgres.ts'

const accepts = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

const psql = findProgram('psql') ?? join(findPostgresPrograms() ?? '', 'psql')

/** What the server answers, trimmed; the client comes with the server's package. */
function query(url: string, sql: string): string {
  const { stdout, stderr, status } = spawnSync(psql, [url, '-Atqc', sql], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}

describeWithPostgres(
  'a PostgreSQL server for tests',
  (postgres) => {
    test('is killed and comes back on the same port', async () => {
      const { url } = postgres()
      expect(await accepts(url)).toBe(true)
      await postgres().kill()
      expect(await accepts(url)).toBe(false)
      await postgres().restart()
      expect(await accepts(url)).toBe(true)
    })

    test.skipIf(!existsSync(psql))('keeps what it acknowledged through a kill, and asks for a password', async () => {
      const { url } = postgres()
      expect(query(url, 'SHOW fsync')).toBe('on')
      query(url, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)')
      await postgres().kill()
      await postgres().restart()
      expect(query(url, 'SELECT n FROM kept')).toBe('7')
      expect(() => query(url.replace(':holdfast@', ':another@'), 'SELECT 1')).toThrow('password authentication failed')
    })

    test('runs beside another one', async () => {
      await using other = await startPostgres()
      expect(other.url).not.toBe(postgres().url)
      expect(await accepts(other.url)).toBe(true)
    })
  },
  { killsServer: true },
)

describe('npm run postgres', () => {
  const entry = join(import.meta.dirname, '../../../../infra/postgres/start.ts')

  test('says what is wrong with its options', async () => {
    const { code, stderr } = await runToExit({ entry, args: ['--port', 'many'] })
    expect(code).toBe(1)
    expect(stderr).toContain('port is "many"')
  })

  test('refuses a folder that holds something else', async () => {
    await using folder = await temporaryFolder()
    const { code, stderr } = await runToExit({ entry, args: ['--port', '1024', '--data-dir', join(folder.path, '..')] })
    expect(code).toBe(1)
    expect(stderr).toMatch(/is neither empty nor a data folder|no "initdb"/)
  })
})
