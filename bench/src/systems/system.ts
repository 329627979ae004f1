/** What a request has done before it is answered. `plain`: nothing but the answer; the others: so many durable steps. */
export type Work = 'plain' | 'one step' | 'three steps'

/** A server that answers the same orders as all others, up and running. */
export interface System {
  readonly url: string
  /** Where it takes orders, by what it does for them. */
  readonly paths: Readonly<Partial<Record<Work, string>>>
  /** The processes that it consists of; what descends from them counts too. */
  readonly pids: readonly number[]
  /** How many orders were really placed, retries not counted. */
  effects?(): Promise<number>
  stop(): Promise<void>
}

/** What can be measured beside others. */
export interface Contender {
  /** In file names and keys of the results. */
  readonly id: string
  readonly title: string
  /** How it is set up: what was chosen, and why. For the report. */
  readonly setup: string
  /** False for the floor, which keeps nothing. */
  readonly keepsKeys: boolean
  /** A peer that does not start is left out, and the report says why; what is ours must start. */
  readonly optional: boolean
  /**
   * Starts it with its data in this folder, which all users may enter.
   *
   * @throws Unavailable when something that it needs is not on this machine; Error when it does not come up
   */
  start(folder: string): Promise<System>
}

/** Something that a peer needs is not on this machine. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

/** The body of every order: 33 bytes. */
export const orderBody = '{"product_id":"abc","quantity":2}'
