import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram } from '../kafka/kafka-jars.ts'

/** A PostgreSQL server that cannot be had on this machine; the message is one line and says what is missing. */
export class PostgresUnavailableError extends Error {
  override readonly name = 'PostgresUnavailableError'
}

/** Where Debian's packages put the server's programs, a folder for each major version. They are not on `PATH`. */
const debianFolder = '/usr/lib/postgresql'

/** The folder with `initdb` and `postgres`: `HOLDFAST_POSTGRES_BIN`, `PATH`, or Debian's newest. Undefined: none. */
export function findPostgresPrograms(): string | undefined {
  const named = process.env['HOLDFAST_POSTGRES_BIN'] ?? ''
  const onPath = findProgram('initdb')
  return [
    ...(named === '' ? [] : [named]),
    ...(onPath === undefined ? [] : [dirname(onPath)]),
    ...debianVersions(),
  ].find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

function debianVersions(): readonly string[] {
  if (!existsSync(debianFolder)) return []
  return readdirSync(debianFolder)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(debianFolder, version, 'bin'))
}

/** A user and group to run a program as. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * Who runs the server: nobody else than who runs this, except root, whom PostgreSQL refuses. Then it is the account
 * `postgres`, else `nobody`.
 *
 * @throws PostgresUnavailableError when this is root and there is neither
 */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new PostgresUnavailableError('PostgreSQL does not run as root, and there is no account "postgres" or "nobody"')
}
