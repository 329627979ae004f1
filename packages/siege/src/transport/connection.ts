import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import type { Target } from '../target.ts'

export interface ConnectOptions {
  readonly insecure: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * An open connection to the address that was checked.
 *
 * @throws the socket's error; an AbortError when there is none in time
 */
export async function openConnection(target: Target, options: ConnectOptions): Promise<Socket> {
  const socket = target.secure
    ? connectSecure({
        host: target.address,
        port: target.port,
        rejectUnauthorized: !options.insecure,
        ...(/^[\d.]+$|:/.test(target.hostname) ? {} : { servername: target.hostname }),
      })
    : connectPlain({ host: target.address, port: target.port, noDelay: true })
  try {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)])
    await once(socket, target.secure ? 'secureConnect' : 'connect', { signal })
  } catch (error) {
    socket.destroy()
    throw error
  }
  // From here on whoever uses the socket listens; between uses an error has nobody, and must not end the process.
  socket.on('error', () => undefined)
  return socket
}
