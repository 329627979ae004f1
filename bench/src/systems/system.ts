import { z } from 'zod'
import type { ServerProcess } from '../servers/process.ts'

/** What a request has done before it is answered. `plain`: nothing but the answer; the others: so many durable steps. */
export type Work = 'plain' | 'one step' | 'three steps'

/** A server that answers the same orders as all others, up and running. */
export interface System {
  readonly url: string
  /** Where it takes orders, by what it does for them. */
  readonly paths: Readonly<Partial<Record<Work, string>>>
  /** Takes the same orders as another operation, where no path of {@link paths} does. */
  readonly otherPath?: string
  /** What it consists of, in the order of their start; what descends from these processes counts too. */
  readonly servers: readonly ServerProcess[]
  /** Keys that it had when it started, of those that {@link Place.stored} wants. Absent when none were wanted. */
  readonly stored?: number
  /** How many orders were really placed, retries not counted. */
  readonly effects?: () => Promise<number>
  /** Ends what it stands on and does not own. */
  readonly close?: () => Promise<void>
}

export const pidsOf = ({ servers }: System): readonly number[] => servers.map((server) => server.pid())

/** Ends all of it in order. */
export async function stopSystem({ servers, close }: System): Promise<void> {
  for (const server of servers.toReversed()) await server.stop()
  await close?.()
}

/** Ends all of it as a crash does, and starts it again on the same data. */
export async function crashAndRestart({ servers }: System): Promise<void> {
  for (const server of servers.toReversed()) await server.crash()
  for (const server of servers) await server.start()
}

/** Where a system lives. */
export interface Place {
  /** For its data; all users may enter it. */
  readonly folder: string
  /**
   * For a siege: effects are counted across restarts too, which costs a write for each, and callers are told apart by their API
   * keys ({@link tenants}) where a system asks for some. Default false.
   */
  readonly besieged?: boolean
  /** It starts with so many keys recorded, `<prefix>-0-1` to `<prefix>-0-<keys>`, as its own code would have left them. */
  readonly stored?: Stored
}

export interface Stored {
  readonly prefix: string
  readonly keys: number
  /** What can only be filled through its front door has as many as it could record in this time. */
  readonly withinMs: number
}

/** What can be measured beside others. */
export interface Contender {
  /** In file names and keys of the results. */
  readonly id: string
  readonly title: string
  /** How it is set up: what was chosen, and why. For the report. */
  readonly setup: string
  /** Of what it is made of, for the report: `Redis 7.0.15, node-redis 6.3.1`. Asked for once it is up. */
  versions(): Promise<string>
  /** False for the floor, which keeps nothing. */
  readonly keepsKeys: boolean
  /** A peer that does not start is left out, and the report says why; what is ours must start. */
  readonly optional: boolean
  /**
   * Starts it.
   *
   * @throws Unavailable when something that it needs is not on this machine; Error when it does not come up
   */
  start(place: Place): Promise<System>
}

/** Something that a peer needs is not on this machine. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

/** The body of every order that is measured: 33 bytes. */
export const orderBody = '{"product_id":"abc","quantity":2}'

/** What every server of ours takes for an order. */
export const orderSchema = z.strictObject({ product_id: z.string().min(1).max(100), quantity: z.int().positive() })

export type Order = z.infer<typeof orderSchema>

/** Headers of two tenants, as Holdfast takes API keys; the servers of the peers take them as they come. */
export const tenants = {
  one: { authorization: 'Bearer key-of-tenant-one' },
  two: { authorization: 'Bearer key-of-tenant-two' },
} as const

/** More than that every system refuses with a 409, before any work. */
export const maxQuantity = 1_000
export const refusedBody = '{"product_id":"abc","quantity":1001}'

/** Behind the work of an order of so many pieces something fails for good: every system answers 500. */
export const failingQuantity = 666
export const failingBody = `{"product_id":"abc","quantity":${failingQuantity}}`
