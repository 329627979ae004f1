import { EventStoreError, type EventBatch, type RecordedEvent, type SubscribeOptions } from '@holdfast/core'
import type { MemoryLog } from './log.ts'

const defaultBatch = 500

/** The log from a position on, then live, until the signal fires or `ended` does. */
export async function* subscribeTo(
  log: MemoryLog,
  options: SubscribeOptions,
  ended: AbortSignal,
): AsyncGenerator<EventBatch, void> {
  const stop = AbortSignal.any([options.signal, ended])
  const maxBatch = options.maxBatch ?? defaultBatch
  const matches = (event: RecordedEvent): boolean =>
    event.stream.startsWith(options.prefix) && (options.types?.includes(event.type) ?? true)
  let position = options.after ?? 0n
  if (position > log.end()) throw new EventStoreError('corrupt', `position ${position} lies past the end of the log`)
  for (let first = true; !stop.aborted; first = false) {
    const written = log.readAll(position, maxBatch)
    if (written.length === 0 && !first) {
      await nextWrite(log, stop)
      continue
    }
    position = written.at(-1)?.position ?? position
    yield { events: written.filter(matches), position, caughtUp: log.readAll(position, 1).length === 0 }
  }
}

function nextWrite(log: MemoryLog, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      forget()
      stop.removeEventListener('abort', done)
      resolve()
    }
    const forget = log.onWrite(done)
    stop.addEventListener('abort', done, { once: true })
  })
}
