import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Provenance } from '../machine.ts'
import type { Figure, Part, Section } from '../part.ts'
import type { Results } from '../results.ts'
import { figuresText } from './figures.ts'
import { method } from './method.ts'

export interface ReportOptions {
  readonly parts: readonly Part[]
  readonly results: Results
  /** Takes `REPORT.md` and `charts/`. */
  readonly output: string
}

export interface WrittenReport {
  readonly figures: readonly Figure[]
  readonly file: string
}

/** Makes the report of the last results of every part. */
export async function writeReport({ parts, results, output }: ReportOptions): Promise<WrittenReport> {
  const figures: Figure[] = []
  const body: string[] = []
  const machines = new Set<string>()
  const gaps: string[] = []
  for (const part of parts) {
    const { last, failure } = results.read(part.name)
    body.push(`## ${part.title}`, '')
    if (failure !== undefined)
      body.push(`**The last run of this part failed** (${origin(failure.provenance)}): ${failure.reason}.`, '')
    if (failure !== undefined || last === undefined) gaps.push(part.name)
    if (last === undefined) {
      body.push('Not measured.', '')
      continue
    }
    machines.add(`${last.provenance.machine}; Node ${last.provenance.node}, wrk ${last.provenance.wrk}`)
    const section = await sectionOf(part, last.result)
    figures.push(...(section.figures ?? []))
    body.push(...section.markdown, '')
    for (const { name, alt, svg } of section.charts ?? []) {
      mkdirSync(join(output, 'charts'), { recursive: true })
      writeFileSync(join(output, 'charts', `${name}.svg`), svg)
      body.push(`![${alt}](charts/${name}.svg)`, '')
    }
    body.push(`\`${part.name}\`, ${origin(last.provenance)}.`, '')
  }
  const file = join(output, 'REPORT.md')
  const text = [
    '# Benchmark',
    '',
    ...[...machines].map((machine) => `${machine}.`),
    '',
    ...figuresText(figures),
    ...(gaps.length === 0 ? [] : ['', `Not measured, or failed in the last run: ${gaps.join(', ')}.`]),
    '',
    ...method,
    '',
    ...body,
  ]
  mkdirSync(output, { recursive: true })
  writeFileSync(file, text.join('\n'))
  return { figures, file }
}

/** When, of what, and how long: parts may have been measured on different days. */
function origin({ measuredAt, commit, rounds, seconds, tookSeconds }: Provenance): string {
  return `measured ${measuredAt.slice(0, 16).replace('T', ' ')} UTC at commit ${commit}, ${rounds} rounds of ${seconds} s, ${tookSeconds} s in all`
}

async function sectionOf(part: Part, result: unknown): Promise<Section> {
  try {
    return await part.report(result)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return {
      markdown: [
        `The stored result is of another version of this part (${reason.slice(0, 200)}): run \`npm run bench -- --only ${part.name}\`.`,
      ],
    }
  }
}
