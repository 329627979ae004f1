/** What a caller can do about an address that cannot be listened on. */
const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another process: set HOLDFAST_PORT to a free port, or stop that process',
  EACCES: 'is not allowed to this user: set HOLDFAST_PORT to a port from 1024 on',
  EADDRNOTAVAIL: 'is not an address of this machine: set HOLDFAST_HOST to one that is',
}

interface ListenError extends Error {
  readonly code: string
  readonly address: string
  readonly port?: number
}

const isListenError = (error: unknown): error is ListenError =>
  error instanceof Error && 'syscall' in error && error.syscall === 'listen' && 'code' in error && 'address' in error

/** Why a service does not start, in one line where it is a fault of the network's: what is wrong, and what to do. */
export function startFault(error: unknown): string {
  if (!isListenError(error)) return error instanceof Error ? error.message : String(error)
  const what = advice[error.code]
  return what === undefined ? error.message : `${error.address}:${error.port ?? ''} ${what}`
}
