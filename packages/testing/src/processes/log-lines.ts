import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'
import { until } from './until.ts'

/** A line of a service's structured log. */
export type LogLine = Readonly<Record<string, unknown>>

/** Everything that a process has written so far. */
export interface CollectedLog {
  /** The lines that are JSON objects, oldest first. */
  readonly lines: readonly LogLine[]
  /** All of the output, as text. */
  text(): string
  /** Waits (bounded) for a line, written before or from now on. */
  line(
    matches: (line: LogLine) => boolean,
    options: { readonly what: string; readonly timeoutMs?: number },
  ): Promise<LogLine>
}

/** Collects the lines of standard output and standard error. */
export function collectLog(streams: readonly Readable[]): CollectedLog {
  const texts: string[] = []
  const lines: LogLine[] = []
  for (const stream of streams) {
    createInterface({ input: stream }).on('line', (text) => {
      texts.push(text)
      const parsed = parseLine(text)
      if (parsed !== undefined) lines.push(parsed)
    })
  }
  return {
    lines,
    text: () => texts.join('\n'),
    line: (matches, options) => until(() => lines.find(matches), options),
  }
}

function parseLine(text: string): LogLine | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as LogLine
  } catch {
    // A line that `kill -9` cut in two.
    return undefined
  }
}
