import { createLogUpdate } from 'log-update'

/** A line that says how far a long command is; only where somebody looks, and never on standard output. */
export interface Progress {
  /** Says where it is; drawn a few times a second at most. */
  show(text: () => string): void
  /** Takes the line away. */
  end(): void
}

const minPauseMs = 200

export function createProgress(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) return { show: () => undefined, end: () => undefined }
  const draw = createLogUpdate(stream)
  let nextAtMs = 0
  return {
    show: (text) => {
      const nowMs = performance.now()
      if (nowMs < nextAtMs) return
      nextAtMs = nowMs + minPauseMs
      draw(text())
    },
    end: () => {
      draw.clear()
    },
  }
}
