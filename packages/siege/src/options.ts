import { SiegeError } from './siege-error.ts'
import { unknownPlaceholders } from './template.ts'

/** Another operation of the same API. */
export interface Route {
  readonly method: string
  /** With a leading slash, query included. */
  readonly path: string
}

/** What counts real effects: a URL that is read, a command that is run, or a function. */
export type LedgerSource =
  | { readonly url: string; readonly field?: string }
  | { readonly command: string; readonly field?: string }
  | (() => Promise<number>)

/**
 * A siege. Templates may hold `{{uuid}}`, `{{n}}` and `{{key}}`, filled in once per request: its attempts are equal.
 * What a scenario needs and is not given is skipped, and said so.
 */
export interface SiegeOptions {
  /** The operation: `http://127.0.0.1:8080/api/order`. */
  readonly url: string
  /** Default POST. */
  readonly method?: string
  /** Templates. `content-type` defaults to `application/json`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Template of a body that is accepted. Without it the example application's order is sent, with all that goes with it. */
  readonly body?: string
  /** A different request that is accepted too. Default: the body with its first number or string changed. */
  readonly otherBody?: string
  /** A body that is refused by the API's own rules: out of stock, declined. */
  readonly refusalBody?: string
  /** A body that fails with a 5xx. */
  readonly failureBody?: string
  /** A body that takes long, for retries while the first is running. Default: `body`. */
  readonly slowBody?: string
  readonly otherRoute?: Route
  /** Body template for `otherRoute`. Default: `body`. */
  readonly otherRouteBody?: string
  /** Headers that make the request another tenant's: `{ authorization: 'Bearer …' }`. */
  readonly otherTenant?: Readonly<Record<string, string>>
  /** Default `Idempotency-Key`. */
  readonly keyHeader?: string
  /** Template; default `{{uuid}}`. */
  readonly key?: string
  /** `quoted` sends the key as an RFC 8941 string. Default `bare`, as most clients do; with a profile `quoted`, and `bare` where that fails. */
  readonly keyFormat?: 'bare' | 'quoted'
  /** The operation may be called without a key: no verdict about that. Default false. */
  readonly keyOptional?: boolean
  /** 202 is this operation's final answer, and not "still running". Default false. */
  readonly acceptedIsFinal?: boolean
  /** Members of JSON bodies that may differ between equal answers, as dotted paths: `meta.request_id`. */
  readonly ignore?: readonly string[]
  readonly ledger?: LedgerSource
  /** Restarts the target and returns when that is done: a command for the shell, or a function. */
  readonly restart?: string | (() => Promise<void>)
  /** Identifiers of scenarios; default all. */
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  /** Checks of a specification in place of the scenarios. */
  readonly profile?: 'draft-idempotency-key'
  /** Requests of the baseline, each with 3 to 10 retries. Default 2,000. */
  readonly requests?: number
  /** Of the baseline: callers at a time. Default 50. */
  readonly concurrency?: number
  /** Of the baseline: mean pause before a retry, milliseconds. Default 20. */
  readonly thinkMs?: number
  /** An attempt without an answer by then has failed, milliseconds. Default 15,000. */
  readonly timeoutMs?: number
  /** How long a key may answer "still running" before that counts against it, milliseconds. Default 15,000. */
  readonly settleMs?: number
  /** The siege stops after so many attempts. Default 20,000. */
  readonly maxRequests?: number
  /** The siege stops after so many milliseconds. Default 300,000. */
  readonly maxTimeMs?: number
  /** Of the random choices; default random, and reported. */
  readonly seed?: number
  /** Without it only loopback addresses are attacked. Default false. */
  readonly iOwnThisTarget?: boolean
  /** Accepts any certificate. Default false. */
  readonly insecure?: boolean
  /** Ends the siege; what is known by then is returned. */
  readonly signal?: AbortSignal
  /** Called after each attempt and at each change of scenario. */
  readonly onProgress?: (progress: Progress) => void
}

/** Where a siege stands. */
export interface Progress {
  /** Title of the running scenario; undefined before the first and after the last. */
  readonly scenario: string | undefined
  readonly finished: readonly { readonly title: string; readonly verdict: string }[]
  readonly scenarios: number
  readonly attempts: number
  readonly maxRequests: number
  readonly inFlight: number
  readonly elapsedMs: number
  readonly maxTimeMs: number
  /** Of all attempts, by status, `cut` or failure. */
  readonly outcomes: ReadonlyMap<string, number>
  /** Distinct answers of the running scenario. */
  readonly distinctBodies: number
}

/** The options with every default filled in. */
export type Plan = Required<
  Pick<
    SiegeOptions,
    | 'method'
    | 'headers'
    | 'body'
    | 'keyHeader'
    | 'key'
    | 'keyFormat'
    | 'keyOptional'
    | 'acceptedIsFinal'
    | 'ignore'
    | 'requests'
    | 'concurrency'
    | 'thinkMs'
    | 'timeoutMs'
    | 'settleMs'
    | 'maxRequests'
    | 'maxTimeMs'
    | 'seed'
    | 'iOwnThisTarget'
    | 'insecure'
  >
> &
  Omit<SiegeOptions, 'url'> & { readonly url: URL; readonly example: boolean }

/** What the example application takes: used where no body was given. */
const exampleOrder = {
  body: '{"product_id":"abc","quantity":2}',
  refusalBody: '{"product_id":"abc","quantity":5000}',
  otherRoute: { method: 'POST', path: '/charge' },
  otherRouteBody: '{"amount":1999,"currency":"EUR","customer":"c_1"}',
} as const

/** @throws SiegeError `options`, naming the option, its value and what is allowed */
export function resolveOptions(options: SiegeOptions): Plan {
  const example = options.body === undefined && (options.method ?? 'POST').toUpperCase() === 'POST'
  const url = readUrl(options.url)
  if (example && url.pathname === '/') url.pathname = '/api/order'
  const plan: Plan = {
    ...(example ? exampleOrder : {}),
    ...options,
    url,
    example,
    method: (options.method ?? 'POST').toUpperCase(),
    headers: withContentType(options.headers ?? {}),
    body: options.body ?? (example ? exampleOrder.body : ''),
    keyHeader: options.keyHeader ?? 'Idempotency-Key',
    key: options.key ?? '{{uuid}}',
    // The draft's keys are quoted.
    keyFormat: options.keyFormat ?? (options.profile === undefined ? 'bare' : 'quoted'),
    keyOptional: options.keyOptional ?? false,
    acceptedIsFinal: options.acceptedIsFinal ?? false,
    ignore: options.ignore ?? [],
    requests: whole('requests', options.requests ?? 2_000, 1),
    concurrency: whole('concurrency', options.concurrency ?? 50, 1),
    thinkMs: whole('thinkMs', options.thinkMs ?? 20, 0),
    timeoutMs: whole('timeoutMs', options.timeoutMs ?? 15_000, 1),
    settleMs: whole('settleMs', options.settleMs ?? 15_000, 1),
    maxRequests: whole('maxRequests', options.maxRequests ?? 20_000, 1),
    maxTimeMs: whole('maxTimeMs', options.maxTimeMs ?? 300_000, 1),
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 31),
    iOwnThisTarget: options.iOwnThisTarget ?? false,
    insecure: options.insecure ?? false,
  }
  checkTemplates(plan)
  checkWire(plan)
  return plan
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new SiegeError('options', `the target ${JSON.stringify(text)} is not an http or https URL`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new SiegeError('options', 'the target must not hold a user or a password: use a header')
  }
  return url
}

function withContentType(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const named = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  return named ? headers : { 'content-type': 'application/json', ...headers }
}

/** More milliseconds no timer takes: it would end at once. */
const most = 2 ** 31 - 1

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new SiegeError('options', `${name} is ${value}: it takes a whole number from ${least} to ${most}`)
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** RFC 9110 section 5.5, in the one byte for each character that there is on the wire. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** What would break the request apart, or make another one of it. */
function checkWire(plan: Plan): void {
  const routes = plan.otherRoute === undefined ? [] : [plan.otherRoute]
  for (const method of [plan.method, ...routes.map((route) => route.method)])
    if (!token.test(method)) throw new SiegeError('options', `${JSON.stringify(method)} is no method`)
  for (const { path } of routes)
    if (!/^\/[\x21-\x7e]*$/.test(path)) throw new SiegeError('options', `${JSON.stringify(path)} is no path`)
  const headers = { ...plan.headers, ...plan.otherTenant, [plan.keyHeader]: plan.key }
  for (const [name, value] of Object.entries(headers)) {
    if (!token.test(name) || /^(content-length|transfer-encoding)$/i.test(name))
      throw new SiegeError('options', `${JSON.stringify(name)} is no header that can be given`)
    if (!fieldValue.test(value))
      throw new SiegeError('options', `the header ${name} holds a character that no header can have`)
  }
}

function checkTemplates(plan: Plan): void {
  if (unknownPlaceholders(plan.key).length > 0 || !/\{\{(uuid|n)\}\}/.test(plan.key)) {
    throw new SiegeError(
      'options',
      `the key ${JSON.stringify(plan.key)} must hold {{uuid}} or {{n}}, and nothing unknown`,
    )
  }
  const templates = { ...plan.headers, ...plan.otherTenant, body: plan.body, otherBody: plan.otherBody }
  const bodies = { refusalBody: plan.refusalBody, failureBody: plan.failureBody, slowBody: plan.slowBody }
  for (const [name, template] of Object.entries({ ...templates, ...bodies, otherRouteBody: plan.otherRouteBody })) {
    const unknown = unknownPlaceholders(template ?? '')
    if (unknown.length > 0) {
      throw new SiegeError('options', `${name} holds ${unknown.join(', ')}: there are {{uuid}}, {{n}} and {{key}}`)
    }
  }
}
