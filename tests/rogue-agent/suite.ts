import { afterAll, beforeAll, describe } from 'vitest'
import { createApi, type Api } from '../support/api.ts'
import { apps } from '../support/paths.ts'
import type { StartTestServer, TestServer } from '../support/server.ts'
import { describeAttaching } from './attaching.ts'
import { describeCutConnections } from './cut-connections.ts'
import { describeStorms } from './storms.ts'

/** What the parts of the suite work with: one server for all of them. */
export interface RogueTarget {
  readonly server: () => TestServer
  /** Attempts go to the gateways in turn. */
  readonly api: () => Api
}

/**
 * Callers that never stop retrying. Every runtime runs it, unchanged, with one gateway or with several, over which the
 * attempts of one key are spread.
 */
export function describeRogueAgent(runtime: string, start: StartTestServer): void {
  describe(`a rogue agent, ${runtime}`, () => {
    let started: { readonly server: TestServer; readonly api: Api } | undefined
    beforeAll(async () => {
      const server = await start({ app: apps.contract })
      started = { server, api: createApi(server.urls) }
    })
    afterAll(() => started?.server[Symbol.asyncDispose]())
    const present = () => {
      if (started === undefined) throw new Error('the server has not been started')
      return started
    }
    const target: RogueTarget = { server: () => present().server, api: () => present().api }

    describeStorms(target)
    describeAttaching(target)
    describeCutConnections(target)
  })
}
