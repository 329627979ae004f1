import type { z } from 'zod'

/** How much is measured. Every part keeps to it, so that one full run fits into 40 minutes. */
export interface Setting {
  /** Only to see that everything runs: a second each, one round, small numbers. Its figures mean nothing. */
  readonly quick: boolean
  /** How often everything that is compared is measured in turn; the report has medians over the rounds. */
  readonly rounds: number
  /** Of one load. */
  readonly seconds: number
}

/** A figure that was promised, beside what was measured. */
export interface Figure {
  readonly what: string
  /** As it was promised: `≥ 0.5 ×`. */
  readonly target: string
  /** As it was measured: `0.52 ×`; undefined when one side of it is missing. */
  readonly measured: string | undefined
  readonly reached: boolean
}

/** An SVG document; `name` is its file name without the ending. */
export interface Chart {
  readonly name: string
  readonly alt: string
  readonly svg: string
}

/** What a part adds to the report. Headings in `markdown` begin at `###`. */
export interface Section {
  readonly markdown: readonly string[]
  readonly figures?: readonly Figure[]
  readonly charts?: readonly Chart[]
}

export interface PartSpec<Result> {
  /** As `--only` takes it; also the name of its file in `bench/results`. */
  readonly name: string
  readonly title: string
  /** When it takes longer, it is ended with all that it started, and reported as failed. */
  readonly timeoutMs: number
  /** What `measure` resolves to, which must survive JSON: the report is also made from old results. */
  readonly result: z.ZodType<Result>
  /** Runs in a process of its own. What it throws is reported, and the other parts go on. */
  measure(setting: Setting): Promise<Result>
  report(result: Result): Section | Promise<Section>
}

/** A part whose result is only known as JSON. */
export interface Part {
  readonly name: string
  readonly title: string
  readonly timeoutMs: number
  measure(setting: Setting): Promise<unknown>
  /** @throws ZodError when the result is of another version of the part */
  report(result: unknown): Promise<Section>
}

export function definePart<Result>(spec: PartSpec<Result>): Part {
  return {
    name: spec.name,
    title: spec.title,
    timeoutMs: spec.timeoutMs,
    measure: (setting) => spec.measure(setting),
    report: async (result) => spec.report(spec.result.parse(result)),
  }
}
