import type { OutgoingHttpHeaders } from 'node:http'
import { afterAll, describe } from 'vitest'
import type { StartTestServer } from '../support/server.ts'
import { describeBodies } from './bodies.ts'
import { describeCheckOrder } from './check-order.ts'
import { describeConnections } from './connections.ts'
import { createContract } from './contract.ts'
import { describeCors } from './cors.ts'
import { describeExecution } from './execution.ts'
import { describeExpiry } from './expiry.ts'
import { describeHoles } from './holes.ts'
import { describeKeys } from './keys.ts'
import { describeLimits } from './limits.ts'
import { describeOpenApi } from './openapi.ts'
import { describeOperations } from './operations.ts'
import { describeOutcomes } from './outcomes.ts'
import { describePages } from './pages.ts'
import { describeResults } from './results.ts'
import { describeRouting } from './routing.ts'
import { describeTenants } from './tenants.ts'
import { describeUriIdentity } from './uri-identity.ts'
import { describeWaiting } from './waiting.ts'

/**
 * The HTTP contract (design, section 3), whole, against real processes and real sockets. Every runtime runs it,
 * unchanged: `start` brings up servers with the settings of `profiles.ts`, each shared by many tests, with one gateway
 * or several, over which the attempts are spread.
 *
 * - `execution.ts`: first execution, replay, headers
 * - `keys.ts`, `bodies.ts`, `check-order.ts`: what is refused before anything happens
 * - `waiting.ts`: attempts while the command runs, `Prefer`, 202
 * - `outcomes.ts`: refusals and failures, which are recorded
 * - `uri-identity.ts`, `expiry.ts`, `tenants.ts`: what a key is, how long, whose
 * - `cors.ts`: calls from web pages
 * - `limits.ts`, `routing.ts`: what is no proper request
 * - `connections.ts`: several requests on one connection, and requests in pieces
 * - `pages.ts`, `openapi.ts`, `operations.ts`: everything that is no command
 * - `results.ts`: outcomes as server-sent events
 * - `holes.ts`: what others got wrong, by name
 *
 * `headers` are sent with every request.
 */
export function describeHttpContract(runtime: string, start: StartTestServer, headers?: OutgoingHttpHeaders): void {
  describe(`the HTTP contract, ${runtime}`, () => {
    const contract = createContract(start, headers)
    afterAll(() => contract[Symbol.asyncDispose]())

    describeExecution(contract)
    describeKeys(contract)
    describeBodies(contract)
    describeCheckOrder(contract)
    describeWaiting(contract)
    describeOutcomes(contract)
    describeUriIdentity(contract)
    describeExpiry(contract)
    describeTenants(contract)
    describeCors(contract)
    describeHoles(contract)
    describeLimits(contract)
    describeConnections(contract)
    describeRouting(contract)
    describePages(contract)
    describeOpenApi(contract)
    describeOperations(contract)
    describeResults(contract)
  })
}
