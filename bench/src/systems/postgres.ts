import { execFile } from 'node:child_process'
import { chown, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { getuid } from 'node:process'
import { promisify } from 'node:util'
import { freePort, startProcess, type ServerProcess } from '../servers/process.ts'
import { programVersion } from '../versions.ts'
import { Unavailable } from './system.ts'

const run = promisify(execFile)
const debianFolder = '/usr/lib/postgresql'

/** A cluster of its own in this folder, with PostgreSQL's own settings: fsync on, synchronous_commit on, read committed. */
export async function startPostgres(folder: string): Promise<ServerProcess & { readonly url: string }> {
  const bin = await postgresBin()
  const data = join(folder, 'postgres')
  const user = await serverUser()
  await mkdir(data, { mode: 0o700 })
  if (user !== undefined) await chown(data, user.uid, user.gid)
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C'], {
    ...user,
    cwd: data,
  })
  const port = await freePort()
  const server = await startProcess({
    command: join(bin, 'postgres'),
    args: ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    cwd: data,
    ...user,
    // "Fast": open connections do not hold it up.
    stopSignal: 'SIGINT',
    // "Immediate": its processes go without a checkpoint, and the log is played back at the next start.
    crashSignal: 'SIGQUIT',
    isReady: (line) => line.includes('ready to accept connections'),
  })
  return { ...server, url: `postgresql://postgres@127.0.0.1:${port}/postgres` }
}

/** Runs SQL, each statement a transaction of its own. @throws Error with what PostgreSQL says */
export async function runSql(url: string, statements: readonly string[]): Promise<void> {
  const commands = statements.flatMap((statement) => ['-c', statement])
  await run(join(await postgresBin(), 'psql'), [url, '-q', '-v', 'ON_ERROR_STOP=1', ...commands])
}

export async function postgresVersion(): Promise<string> {
  return (await programVersion(join(await postgresBin(), 'postgres'))) ?? 'unknown'
}

/** PostgreSQL refuses to run as root: then the user of Debian's package runs it. */
async function serverUser(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (getuid?.() !== 0) return undefined
  const id = async (option: string): Promise<number> => Number((await run('id', [option, 'postgres'])).stdout)
  try {
    return { uid: await id('-u'), gid: await id('-g') }
  } catch {
    throw new Unavailable('there is no user "postgres", and PostgreSQL does not run as root')
  }
}

async function postgresBin(): Promise<string> {
  const versions = await readdir(debianFolder).catch((): string[] => [])
  const newest = versions
    .map(Number)
    .filter(Number.isFinite)
    .sort((a, b) => b - a)[0]
  if (newest === undefined) throw new Unavailable('PostgreSQL is not installed (Debian: apt-get install postgresql)')
  return join(debianFolder, String(newest), 'bin')
}
