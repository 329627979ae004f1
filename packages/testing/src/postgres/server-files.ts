import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { PostgresUnavailableError, type Account } from './postgres-programs.ts'

/** Name, password and database of a server that the kit made. It listens on loopback only. */
export const postgresOwner = 'holdfast'

/**
 * Makes a data folder (`initdb`), unless there is one: then its data stay. It belongs to the account that runs the
 * server, and nobody else may read it.
 *
 * @throws PostgresUnavailableError with what `initdb` said
 */
export async function prepareCluster(
  programs: string,
  dataDir: string,
  account: Account | undefined,
): Promise<{ readonly isNew: boolean }> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return { isNew: false }
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  if ((await readdir(dataDir)).length > 0) {
    throw new PostgresUnavailableError(`${dataDir} is neither empty nor a data folder of PostgreSQL`)
  }
  if (account !== undefined) await chown(dataDir, account.uid, account.gid)
  const passwordFile = join(dataDir, '..', `${process.pid}-${crypto.randomUUID()}.password`)
  await writeFile(passwordFile, postgresOwner, { mode: 0o600 })
  if (account !== undefined) await chown(passwordFile, account.uid, account.gid)
  try {
    const args = ['--pgdata', dataDir, '--username', postgresOwner, '--pwfile', passwordFile]
    // C.UTF-8: messages in English, so that the start can be read off the log, and the same order everywhere.
    await runInitdb(programs, [...args, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8'], account)
  } finally {
    await rm(passwordFile, { force: true })
  }
  return { isNew: true }
}

async function runInitdb(programs: string, args: readonly string[], account: Account | undefined): Promise<void> {
  const child = spawn(join(programs, 'initdb'), args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', ...account })
  const [, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  if (code === 0) return
  const line = stderr.split('\n').find((entry) => entry.includes('error')) ?? `exit code ${String(code)}`
  throw new PostgresUnavailableError(`the data folder could not be made: ${line.trim()}`)
}
