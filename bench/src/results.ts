import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { provenance } from './machine.ts'

const stored = z.object({
  /** The last run of the part that came to its end. */
  last: z.object({ provenance, result: z.unknown() }).optional(),
  /** The last run, when that did not. */
  failure: z.object({ provenance, reason: z.string() }).optional(),
})

export type StoredResult = z.infer<typeof stored>

/** The last results of each part, one JSON file each. */
export interface Results {
  read(part: string): StoredResult
  write(part: string, result: StoredResult): void
}

export function createResults(folder: string): Results {
  const file = (part: string): string => join(folder, `${part}.json`)
  return {
    read(part) {
      let text: string
      try {
        text = readFileSync(file(part), 'utf8')
      } catch {
        return {}
      }
      return stored.parse(JSON.parse(text))
    },
    write(part, result) {
      mkdirSync(folder, { recursive: true })
      writeFileSync(file(part), `${JSON.stringify(result, undefined, 1)}\n`)
    },
  }
}
