import type { WriteStream } from 'node:tty'
import { createLogUpdate } from 'log-update'
import pc from 'picocolors'
import type { Progress } from '../options.ts'
import { painted, printable } from './words.ts'

/** A view that is redrawn as the siege goes on. */
export interface LiveView {
  update(progress: Progress): void
  /** Takes it off the screen. */
  close(): void
}

/** More often nobody can read. */
const redrawMs = 80

export function createLiveView(stream: WriteStream): LiveView {
  const draw = createLogUpdate(stream)
  let drawnAt = Number.NEGATIVE_INFINITY
  return {
    update(progress) {
      if (progress.elapsedMs - drawnAt < redrawMs) return
      drawnAt = progress.elapsedMs
      draw(liveText(progress, stream.columns))
    },
    close() {
      draw.clear()
      draw.done()
    },
  }
}

/** What the view shows, in lines of at most `columns` characters. */
export function liveText(progress: Progress, columns = 80): string {
  const { scenario, finished, scenarios, attempts, inFlight, elapsedMs, distinctBodies } = progress
  const counted = [...progress.outcomes].sort(([, a], [, b]) => b - a)
  const done = finished
    .slice(-6)
    .map(({ title, verdict }) => `${painted(verdict.padEnd(12))} ${fit(title, columns - 14)}`)
  return [
    ...done,
    `${pc.cyan('running'.padEnd(12))} ${fit(scenario ?? 'the first plain requests', columns - 14)}`,
    `${bar(finished.length / scenarios, 24)} ${finished.length} of ${scenarios} scenarios, ${(elapsedMs / 1_000).toFixed(1)} of ${Math.round(progress.maxTimeMs / 1_000)} s`,
    `${bar(attempts / progress.maxRequests, 24)} ${attempts} of at most ${progress.maxRequests} attempts`,
    fit(
      `in flight ${inFlight} · distinct answers ${distinctBodies} · ${counted.map(([name, times]) => `${name}: ${times}`).join(' · ')}`,
      columns,
    ),
  ].join('\n')
}

function bar(part: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, part)) * width)
  return pc.green('█'.repeat(full)) + pc.dim('░'.repeat(width - full))
}

function fit(text: string, columns: number): string {
  const clean = printable(text)
  return clean.length <= columns ? clean : `${clean.slice(0, Math.max(0, columns - 1))}…`
}
