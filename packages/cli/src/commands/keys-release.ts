import { problemSchema } from '@holdfast/contracts'
import type { IdempotencyKey, Tenant } from '@holdfast/core'
import { Command } from 'commander'
import { defaultTenant, keyArgument, tenantArgument } from '../support/arguments.ts'
import { CliError, exitCodes } from '../support/cli-error.ts'
import { settingsOf } from '../support/open-store.ts'
import type { Output } from '../support/output.ts'

export interface ReleaseOptions {
  readonly tenant: Tenant
  readonly reason: string
  readonly gateway?: string
  readonly operator?: string
}

export function keysReleaseCommand(output: (command: Command) => Output): Command {
  return new Command('release')
    .description('Let a key be used again before its time, through the gateway. Its history stays.')
    .argument('<key>', 'the Idempotency-Key', keyArgument)
    .requiredOption('--reason <text>', 'why; kept in the history')
    .option('--tenant <tenant>', 'whose key', tenantArgument, defaultTenant)
    .option('--gateway <url>', 'default: http://HOLDFAST_HOST:HOLDFAST_PORT')
    .option('--operator <name>', 'which of HOLDFAST_OPERATOR_KEYS to use; default: the first')
    .action(async (key: IdempotencyKey, options: ReleaseOptions, command: Command) => {
      const released = await releaseThroughGateway(key, options)
      const out = output(command)
      out.answer(released, () => {
        const { generation, released: record } = released
        out.line(`released: generation ${generation} of ${key}, by ${record.by}, ${record.at}`)
      })
    })
}

export interface Released {
  readonly generation: number
  readonly released: { readonly at: string; readonly by: string; readonly reason: string }
}

const requestTimeoutMs = 30_000

/** @throws CliError: `usage` without an operator's key, `notFound`, `no` while the command runs, `unavailable` */
export async function releaseThroughGateway(key: IdempotencyKey, options: ReleaseOptions): Promise<Released> {
  const { tenant, reason } = options
  const settings = settingsOf({})
  const gateway = options.gateway ?? `http://${settings.HOST}:${settings.PORT}`
  const operators = [...settings.OPERATOR_KEYS].map(([secret, name]) => ({ secret, name }))
  const operator = operators.find(({ name }) => options.operator === undefined || name === options.operator)
  if (operator === undefined) {
    throw new CliError(
      exitCodes.usage,
      'set HOLDFAST_OPERATOR_KEYS=<operator>=<key> as the gateway has it, to release keys',
    )
  }
  const url = `${gateway.replace(/\/$/, '')}/idempotency-keys/${encodeURIComponent(key)}/release`
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${operator.secret}` },
    body: JSON.stringify({ tenant, reason }),
    signal: AbortSignal.timeout(requestTimeoutMs),
  }).catch((error: unknown) => {
    throw new CliError(exitCodes.unavailable, `no gateway answers at ${gateway}; --gateway says where it is`, {
      cause: error,
    })
  })
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok) return body as Released
  const problem = problemSchema.safeParse(body)
  const said = problem.success ? problem.data.detail : `the gateway answers ${response.status}`
  throw new CliError(exitCodeOf(response.status), said)
}

function exitCodeOf(status: number) {
  if (status === 404) return exitCodes.notFound
  if (status === 409) return exitCodes.no
  return status >= 500 ? exitCodes.unavailable : exitCodes.usage
}
