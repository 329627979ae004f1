import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { startFault } from './start-fault.ts'

const faultOf = async (port: number, host: string): Promise<unknown> => {
  const server = createServer().listen(port, host)
  const [error] = (await once(server, 'error')) as [unknown]
  return error
}

test('a port that is taken: which, and what to set', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  expect(startFault(await faultOf(port, '127.0.0.1'))).toBe(
    `127.0.0.1:${port} is taken by another process: set HOLDFAST_PORT to a free port, or stop that process`,
  )
  other.close()
})

test('an address that this machine does not have: what to set', async () => {
  // TEST-NET-1 (RFC 5737): nobody has it.
  expect(startFault(await faultOf(8080, '192.0.2.1'))).toMatch(/^192\.0\.2\.1:8080 .*set HOLDFAST_HOST/)
})

test('everything else: its own words', () => {
  expect(startFault(new Error('the store is damaged'))).toBe('the store is damaged')
  expect(startFault('no')).toBe('no')
})
