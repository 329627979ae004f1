import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A TCP line to a server that can break in the worst way. */
export interface FaultyLine extends AsyncDisposable {
  readonly port: number
  /**
   * Lets through what clients send and swallows what the server answers, for `ms`; then breaks the connections of that
   * moment. What arrives in that time is done, and nobody hears of it.
   */
  swallowAnswers(ms: number): Promise<void>
  /** Breaks all connections now. */
  breakAll(): void
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  swallowing: boolean
}

/** Listens on 127.0.0.1:`port` and forwards to 127.0.0.1:`target()`, asked at each connection. */
export async function openFaultyLine(port: number, target: () => number): Promise<FaultyLine> {
  const pairs = new Set<Pair>()
  const sever = (pair: Pair) => {
    pairs.delete(pair)
    pair.client.destroy()
    pair.server.destroy()
  }
  const listener = createServer((client) => {
    const pair: Pair = { client, server: connect(target(), '127.0.0.1'), swallowing: false }
    pairs.add(pair)
    client.on('data', (bytes) => pair.server.write(bytes))
    pair.server.on('data', (bytes) => {
      if (!pair.swallowing) client.write(bytes)
    })
    for (const socket of [client, pair.server]) {
      socket.setNoDelay(true)
      socket.on('error', () => sever(pair))
      socket.on('close', () => sever(pair))
    }
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(port, '127.0.0.1', resolve)
  })
  const breakAll = () => {
    for (const pair of [...pairs]) sever(pair)
  }
  return {
    port: (listener.address() as AddressInfo).port,
    swallowAnswers: async (ms) => {
      const victims = [...pairs]
      for (const pair of victims) pair.swallowing = true
      await delay(ms)
      for (const pair of victims) sever(pair)
    },
    breakAll,
    [Symbol.asyncDispose]: async () => {
      breakAll()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
