import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'
import type { LedgerSource, Route, SiegeOptions } from './options.ts'

/** The command's options as commander reads them. */
export interface CommandOptions {
  readonly method?: string
  readonly header?: Readonly<Record<string, string>>
  readonly body?: string
  readonly otherBody?: string
  readonly refusalBody?: string
  readonly failureBody?: string
  readonly slowBody?: string
  readonly otherRoute?: Route
  readonly otherRouteBody?: string
  readonly otherTenant?: Readonly<Record<string, string>>
  readonly keyHeader?: string
  readonly key?: string
  readonly keyFormat?: 'bare' | 'quoted'
  readonly keyOptional?: true
  readonly acceptedIsFinal?: true
  readonly ignore?: readonly string[]
  readonly ledger?: string
  readonly ledgerCommand?: string
  readonly ledgerField?: string
  readonly restartCommand?: string
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly profile?: 'draft-idempotency-key'
  readonly requests?: number
  readonly concurrency?: number
  readonly think?: number
  readonly timeout?: number
  readonly settle?: number
  readonly maxRequests?: number
  readonly maxSeconds?: number
  readonly seed?: number
  readonly iOwnThisTarget?: true
  readonly insecure?: true
  readonly json?: true
  readonly html?: string
  readonly live: boolean
  readonly list?: true
}

export function siegeOptions(url: string, given: CommandOptions): SiegeOptions {
  const ledger = ledgerOf(given)
  return {
    url,
    ...defined({
      method: given.method,
      headers: given.header,
      body: given.body,
      otherBody: given.otherBody,
      refusalBody: given.refusalBody,
      failureBody: given.failureBody,
      slowBody: given.slowBody,
      otherRoute: given.otherRoute,
      otherRouteBody: given.otherRouteBody,
      otherTenant: given.otherTenant,
      keyHeader: given.keyHeader,
      key: given.key,
      keyFormat: given.keyFormat,
      keyOptional: given.keyOptional,
      acceptedIsFinal: given.acceptedIsFinal,
      ignore: given.ignore,
      ledger,
      restart: given.restartCommand,
      only: given.only,
      skip: given.skip,
      profile: given.profile,
      requests: given.requests,
      concurrency: given.concurrency,
      thinkMs: given.think,
      timeoutMs: given.timeout,
      settleMs: given.settle,
      maxRequests: given.maxRequests,
      maxTimeMs: given.maxSeconds === undefined ? undefined : given.maxSeconds * 1_000,
      seed: given.seed,
      iOwnThisTarget: given.iOwnThisTarget,
      insecure: given.insecure,
    }),
  }
}

function ledgerOf({ ledger, ledgerCommand, ledgerField: field }: CommandOptions): LedgerSource | undefined {
  const at = field === undefined ? {} : { field }
  if (ledger !== undefined) return { url: ledger, ...at }
  return ledgerCommand === undefined ? undefined : { command: ledgerCommand, ...at }
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

/** Without the members that are undefined: an option that was not given has its default. */
const defined = <T extends object>(members: T): Defined<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>

/** A body: as it is, or behind `@` the file that holds it. */
export function bodyArgument(text: string): string {
  if (!text.startsWith('@')) return text
  try {
    return readFileSync(text.slice(1), 'utf8')
  } catch {
    throw new InvalidArgumentError(`The file ${text.slice(1)} cannot be read.`)
  }
}

/** `Name: value`, several times. */
export function headerArgument(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('A header is written Name: value.')
  return { ...before, [name]: value }
}

/** `POST /path`. */
export function routeArgument(text: string): Route {
  const [, method, path] = /^([A-Za-z]+) (\/\S*)$/.exec(text) ?? []
  if (method === undefined || path === undefined) throw new InvalidArgumentError('A route is written METHOD /path.')
  return { method: method.toUpperCase(), path }
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It takes a whole number.')
  return Number(text)
}

export const commaList = (text: string): readonly string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
