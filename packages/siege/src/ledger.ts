import { request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import { text } from 'node:stream/consumers'
import type { LedgerSource, Plan } from './options.ts'
import { runCommand } from './run-command.ts'
import { SiegeError } from './siege-error.ts'
import { resolveTarget } from './target.ts'

/** Counts real effects. */
export interface Ledger {
  /** @throws Error when there is no count */
  count(): Promise<number>
}

const timeoutMs = 10_000

/**
 * @throws SiegeError `target-not-owned` for a URL that may not be asked
 */
export async function openLedger(source: LedgerSource, plan: Plan): Promise<Ledger> {
  if (typeof source === 'function') return { count: () => inTime(source()) }
  if ('command' in source) {
    return { count: async () => countIn(await runCommand(source.command, timeoutMs), source.field) }
  }
  if (!URL.canParse(source.url)) throw new SiegeError('options', `the ledger ${source.url} is no URL`)
  const url = new URL(source.url)
  if (!/^https?:$/.test(url.protocol))
    throw new SiegeError('options', `the ledger ${source.url} is no http or https URL`)
  const { hostname, address, port, host, secure } = await resolveTarget(url, plan)
  return {
    async count() {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const asked = (secure ? requestSecure : requestPlain)(
        {
          host: address,
          port,
          path: `${url.pathname}${url.search}`,
          headers: { host },
          agent: false,
          signal: AbortSignal.timeout(timeoutMs),
          ...(secure && { servername: hostname, rejectUnauthorized: !plan.insecure }),
        },
        (answer) => {
          if (answer.statusCode === 200) text(answer).then(resolve, reject)
          else reject(new Error(`the ledger answered ${answer.statusCode ?? 0}`))
        },
      )
      asked.once('error', reject)
      asked.end()
      return countIn(await promise, source.field)
    },
  }
}

async function inTime(count: Promise<number>): Promise<number> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new Error(`the ledger gave no count in ${timeoutMs / 1_000} s`))
  }, timeoutMs)
  try {
    return await Promise.race([count, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The count in a JSON document: a number, or a list's length; `field` is a dotted path to it.
 *
 * @throws Error when there is neither
 */
export function countIn(document: string, field?: string): number {
  let value: unknown
  try {
    value = JSON.parse(document)
  } catch {
    throw new Error(`the ledger gave no JSON: ${document.slice(0, 80)}`)
  }
  for (const name of field?.split('.') ?? []) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
  }
  if (Array.isArray(value)) return value.length
  if (typeof value === 'number') return value
  throw new Error(`the ledger has no number${field === undefined ? '' : ` at ${field}`}`)
}
