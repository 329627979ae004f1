import type { App } from '../app.ts'
import { parseTenant } from '../brands.ts'
import type { JsonObject } from '../json.ts'
import { parseIdempotencyKey } from '../key.ts'
import type { Ids } from '../ports/clock.ts'
import type { Answer } from './answer.ts'
import type { CommandGateway } from './command-gateway.ts'

/**
 * Sends an application's seeds like any caller would: under their keys, so that only the first start executes them.
 *
 * @throws TypeError for a seed whose key or input is not valid
 */
export async function sendSeeds(
  app: App,
  { gateway, ids, waitMs }: { readonly gateway: CommandGateway; readonly ids: Ids; readonly waitMs: number },
): Promise<readonly Answer[]> {
  const tenant = parseTenant('default')
  return Promise.all(
    app.seeds.map((seed) => {
      const parsed = parseIdempotencyKey(seed.key)
      if (parsed.kind !== 'key' || tenant === undefined) throw new TypeError(`"${seed.key}" is not a key for a seed`)
      const input = seed.command.input.parse(seed.input) as JsonObject
      return gateway.submit({ command: seed.command, tenant, key: parsed.key, input, waitMs, requestId: ids.uuid() })
    }),
  )
}
