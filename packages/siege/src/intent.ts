import type { Plan, Route } from './options.ts'
import { fill, templateValues } from './template.ts'
import type { WireRequest } from './transport/wire-request.ts'

/** One request that a caller means once: its key and its bytes. All its attempts are equal, unless a variation says so. */
export interface Intent {
  readonly key: string
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Undefined: no body. */
  readonly body: string | undefined
}

/** What an attempt does otherwise than its intent. */
export interface Variation {
  /** Values of the key header as they are sent: none, or several. Default: the key, in the plan's format. */
  readonly keyValues?: readonly string[]
  readonly body?: string | undefined
  /** Replace headers of the same name. */
  readonly headers?: Readonly<Record<string, string>>
  readonly route?: Route
}

/** The key as an RFC 8941 string (section 3.3.3). */
export const quoted = (key: string): string => `"${key.replaceAll(/["\\]/g, String.raw`\$&`)}"`

export const formattedKey = (key: string, format: Plan['keyFormat']): string => (format === 'bare' ? key : quoted(key))

/** Fills the templates in for a new request; `n` is its number. */
export function createIntent(plan: Plan, n: number, body = plan.body): Intent {
  const values = templateValues(n, plan.key)
  return {
    key: values.key,
    method: plan.method,
    path: `${plan.url.pathname}${plan.url.search}`,
    headers: Object.entries(plan.headers).map(([name, value]) => [name, fill(value, values)] as const),
    body: body === '' ? undefined : fill(body, values),
  }
}

/** The other template's body, filled in for the same request. */
export const otherBodyOf = (intent: Intent, template: string, n: number): string =>
  fill(template, { ...templateValues(n, '{{uuid}}'), key: intent.key })

export function wireRequest(intent: Intent, plan: Plan, variation: Variation = {}): WireRequest {
  const replaced = new Map(Object.entries(variation.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]))
  const kept = intent.headers.filter(([name]) => !replaced.has(name.toLowerCase()))
  const keyValues = variation.keyValues ?? [formattedKey(intent.key, plan.keyFormat)]
  return {
    method: variation.route?.method ?? intent.method,
    path: variation.route?.path ?? intent.path,
    headers: [...kept, ...replaced, ...keyValues.map((value) => [plan.keyHeader, value] as const)],
    body: 'body' in variation ? variation.body : intent.body,
  }
}
