import type { JsonObject } from '../json.ts'

/** How a business refusal looks to callers; the gateway serves it as a page under `/problems/<code>`. */
export interface RefusalEntry {
  /** 4xx status of the recorded answer. */
  readonly status: number
  readonly title: string
  readonly meaning: string
  readonly action: string
}

const refusal: unique symbol = Symbol('refusal')

/** The command's own "no": an outcome like any other, recorded for the key and replayed. */
export interface Refusal<Code extends string = string> {
  readonly [refusal]: true
  readonly code: Code
  /** For the caller; never an internal message. */
  readonly detail: string
  /** Further members of the problem document. */
  readonly members: JsonObject
}

export function createRefusal<Code extends string>(
  code: Code,
  detail: string,
  members: JsonObject = {},
): Refusal<Code> {
  return { [refusal]: true, code, detail, members }
}

export function isRefusal(value: object): value is Refusal {
  return refusal in value
}
