import { randomUUID } from 'node:crypto'

/** What the placeholders of one request stand for. All attempts of the request share it. */
export interface TemplateValues {
  /** `{{uuid}}`: a UUID of this request. */
  readonly uuid: string
  /** `{{n}}`: 1 for the first request of the siege, and so on. */
  readonly n: number
  /** `{{key}}`: the request's idempotency key. */
  readonly key: string
}

export const templateValues = (n: number, keyTemplate: string): TemplateValues => {
  const values = { uuid: randomUUID(), n, key: '' }
  return { ...values, key: fill(keyTemplate, values) }
}

/** Puts the values in for `{{uuid}}`, `{{n}}` and `{{key}}`. */
export function fill(template: string, values: TemplateValues): string {
  return template.replaceAll(/\{\{(uuid|n|key)\}\}/g, (_, name: keyof TemplateValues) => String(values[name]))
}

/** Placeholders that no value exists for, as they are written. */
export const unknownPlaceholders = (template: string): readonly string[] =>
  (template.match(/\{\{[^{}]*\}\}/g) ?? []).filter((found) => !/^\{\{(uuid|n|key)\}\}$/.test(found))
