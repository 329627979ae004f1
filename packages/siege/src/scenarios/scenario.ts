import type { Field } from '../field.ts'
import type { Plan } from '../options.ts'
import type { Report } from '../report.ts'

/** One thing that a rogue agent does, and what must be true behind it. */
export interface Scenario {
  /** Kebab case; stable. */
  readonly id: string
  readonly title: string
  /** The hole that it looks for, in one sentence. */
  readonly looksFor: string
  /** Of a profile: where the specification says it, and how strongly. */
  readonly cites?: { readonly section: string; readonly level: 'MUST' | 'SHOULD' | 'MAY' }
  /** Why it cannot be done with these options; undefined when it can. */
  needs?(plan: Plan): string | undefined
  run(field: Field, report: Report): Promise<void>
}
