import { parseArgs } from 'node:util'
import { parts } from './parts/index.ts'
import type { Part, Setting } from './part.ts'

export interface Options {
  readonly chosen: readonly Part[]
  readonly setting: Setting
}

export const usage = `npm run bench -- [options]

  --only <parts>   only these, separated by commas; the report has the last results of the others
  --quick          only to see that everything runs; its figures mean nothing and are kept apart
  --rounds <n>     3
  --seconds <n>    4, of one load
  --report         measure nothing: make the report of the last results
  --list           the parts

parts: ${parts.map(({ name }) => name).join(', ')}`

/** @throws Error that names the option or the part, and what is allowed */
export function parseOptions(args: readonly string[]): Options | 'list' | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      report: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  if (values.list) return 'list'
  const { quick } = values
  return {
    chosen: values.report ? [] : choose(values.only),
    setting: {
      quick,
      rounds: positive('--rounds', values.rounds, quick ? 1 : 3),
      seconds: positive('--seconds', values.seconds, quick ? 1 : 4),
    },
  }
}

function choose(only: string | undefined): readonly Part[] {
  if (only === undefined) return parts
  return only.split(',').map((name) => {
    const part = parts.find((each) => each.name === name.trim())
    if (part === undefined)
      throw new Error(`--only: there is no part "${name}": ${parts.map((each) => each.name).join(', ')}`)
    return part
  })
}

function positive(option: string, value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option} takes a whole number from 1, not "${value}"`)
  return number
}
