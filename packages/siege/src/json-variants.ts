type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/**
 * The same JSON value, written another way: members in reverse order, white space, and the first letter of the first
 * string written as an escape. Undefined for what is no JSON object.
 */
export function rewritten(body: string): string | undefined {
  const value = parseObject(body)
  if (value === undefined) return undefined
  return JSON.stringify(reversed(value), null, 3).replace(
    /: "([A-Za-z])/,
    (_, letter: string) => `: "\\u00${letter.charCodeAt(0).toString(16)}`,
  )
}

function reversed(value: Json): Json {
  if (isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  )
}

/** Another request of the same form: the first number one higher, else the first string one letter longer. */
export function alteredBody(body: string): string | undefined {
  const value = parseObject(body)
  if (value === undefined) return undefined
  const altered = alter(value, (one) => (typeof one === 'number' ? one + 1 : undefined))
  const found = altered ?? alter(value, (one) => (typeof one === 'string' ? `${one}x` : undefined))
  return found === undefined ? undefined : JSON.stringify(found)
}

/** The value with the first leaf changed for which `change` has something; undefined when there is none. */
function alter(value: Json, change: (leaf: Json) => Json | undefined): Json | undefined {
  if (typeof value !== 'object' || value === null) return change(value)
  if (isArray(value)) {
    for (const [at, member] of value.entries()) {
      const altered = alter(member, change)
      if (altered !== undefined) return value.with(at, altered)
    }
    return undefined
  }
  for (const [name, member] of Object.entries(value)) {
    const altered = alter(member, change)
    if (altered !== undefined) return { ...value, [name]: altered }
  }
  return undefined
}

function parseObject(body: string): Json | undefined {
  try {
    const value = JSON.parse(body) as Json
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const isArray = (value: Json): value is readonly Json[] => Array.isArray(value)
