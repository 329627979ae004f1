import { runSiege, type ScenarioResult, type SiegeOptions, type SiegeResult } from '@holdfast/siege'
import type { Defect } from './defects.ts'
import { startLittleServer, type LittleServerOptions } from './little-server.ts'

/** Everything that the little server can be told. */
const known = {
  body: '{"amount":5,"reference":"{{uuid}}","items":[{"sku":"a"}]}',
  refusalBody: '{"amount":13,"reference":"{{uuid}}"}',
  failureBody: '{"amount":66,"reference":"{{uuid}}"}',
  otherRoute: { method: 'POST', path: '/refund' },
  headers: { authorization: 'Bearer one' },
  otherTenant: { authorization: 'Bearer two' },
  requests: 60,
  concurrency: 20,
  thinkMs: 5,
  seed: 7,
} as const

/** Of a server with a defect: for what hangs, not long; for all else long enough for a slow machine. */
export const patience = (defect: Defect) => ({ settleMs: 500, ...(defect === 'hangs' && { timeoutMs: 1_500 }) })

export interface Besieged extends SiegeResult {
  readonly byId: ReadonlyMap<string, ScenarioResult>
}

/** A siege of a little server of its own. */
export async function besiege(
  server: LittleServerOptions,
  options: Partial<SiegeOptions> & { readonly noLedger?: boolean } = {},
): Promise<Besieged> {
  const { noLedger = false, ...given } = options
  await using little = await startLittleServer(server)
  const result = await runSiege({
    ...known,
    url: `${little.url}/pay`,
    ...(!noLedger && { ledger: { url: `${little.url}/ledger` } }),
    restart: () => little.restart(),
    ...given,
  })
  return { ...result, byId: new Map(result.scenarios.map((one) => [one.id, one])) }
}
