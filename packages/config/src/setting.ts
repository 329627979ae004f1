import { z } from 'zod'

/** One `HOLDFAST_*` variable. */
export interface Setting<T> {
  /** Turns the variable's text into the value; fails for what is not allowed. */
  readonly schema: z.ZodType<T, string>
  /** As it would be written in the environment; undefined where the setting may be absent. */
  readonly default: string | undefined
  /** What is allowed, for messages and documentation: "a TCP port, 0 to 65535". */
  readonly allowed: string
  readonly description: string
  /** Why the default is what it is, where that is not plain. */
  readonly reason?: string
  /** True when the value must not be printed. */
  readonly secret?: boolean
}

interface Texts {
  readonly default: string
  readonly description: string
  readonly reason?: string
}

export function integerSetting(
  bounds: { readonly min: number; readonly max: number; readonly unit: string },
  texts: Texts,
): Setting<number> {
  const { min, max, unit } = bounds
  return {
    ...texts,
    allowed: `${unit}, a whole number from ${min} to ${max}`,
    schema: z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(min).max(max)),
  }
}

export function choiceSetting<const T extends readonly [string, ...string[]]>(
  choices: T,
  texts: Texts,
): Setting<T[number]> {
  return {
    ...texts,
    allowed: `one of ${choices.join(', ')}`,
    schema: z.enum(choices),
  }
}

export function textSetting(
  pattern: { readonly regex: RegExp; readonly allowed: string },
  texts: Texts,
): Setting<string> {
  return { ...texts, allowed: pattern.allowed, schema: z.string().regex(pattern.regex) }
}
