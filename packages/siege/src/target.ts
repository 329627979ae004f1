import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { BlockList, connect, isIP, isIPv4 } from 'node:net'
import { SiegeError } from './siege-error.ts'

/** Where the connections go: the address that was checked, whatever the name resolves to later. */
export interface Target {
  readonly origin: string
  readonly secure: boolean
  readonly hostname: string
  readonly address: string
  readonly port: number
  /** Value of the `Host` header. */
  readonly host: string
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6')

/** True for 127.0.0.0/8 and ::1, also as IPv4-mapped. */
export const isLoopback = (address: string): boolean => loopback.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')

export interface ResolveTargetOptions {
  readonly iOwnThisTarget: boolean
  /** All addresses of a name; default: the system's resolver. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>
  /** Whether somebody listens there; default: a connection that is closed at once. */
  readonly listens?: (address: string, port: number) => Promise<boolean>
}

/**
 * Resolves the name once, and takes it only when **all** its addresses are loopback: a name that points to this
 * machine and to another would send a part of the storm there.
 *
 * @throws SiegeError `target-not-owned`; `target-unusable` for a name without an address
 */
export async function resolveTarget(url: URL, options: ResolveTargetOptions): Promise<Target> {
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const addresses = isIP(hostname) > 0 ? [hostname] : await (options.resolve ?? allAddresses)(hostname)
  const [first] = addresses
  if (first === undefined) throw new SiegeError('target-unusable', `${hostname} has no address`)
  const foreign = addresses.find((one) => !isLoopback(one))
  if (foreign !== undefined && !options.iOwnThisTarget) {
    throw new SiegeError(
      'target-not-owned',
      `${hostname === foreign ? hostname : `${hostname} (${foreign})`} is not a loopback address. A siege is an attack: say --i-own-this-target if it is yours.`,
    )
  }
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const address = (await listening(addresses, { port, listens: options.listens ?? listens })) ?? first
  return { origin: url.origin, secure, hostname, address, port, host: url.host }
}

/** `localhost` is ::1 and 127.0.0.1, and many a server listens on one of them only. */
async function listening(
  addresses: readonly string[],
  { port, listens }: { readonly port: number; readonly listens: NonNullable<ResolveTargetOptions['listens']> },
): Promise<string | undefined> {
  if (addresses.length === 1) return addresses[0]
  for (const address of addresses) if (await listens(address, port)) return address
  return undefined
}

async function listens(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(2_000) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function allAddresses(hostname: string): Promise<readonly string[]> {
  try {
    return (await lookup(hostname, { all: true })).map(({ address }) => address)
  } catch (cause) {
    throw new SiegeError('target-unusable', `${hostname} cannot be resolved`, { cause })
  }
}
