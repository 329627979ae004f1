type EmitWarning = (this: void, warning: string | Error, ...rest: unknown[]) => void

/** Runs `work`, which must be synchronous, and drops the process warnings of this type that it emits; others pass. */
export function withoutWarning<T>(type: string, work: () => T): T {
  const holder = process as { emitWarning: EmitWarning }
  const emit = holder.emitWarning
  holder.emitWarning = (warning, ...rest) => {
    if (warningType(warning, rest[0]) !== type) emit(warning, ...rest)
  }
  try {
    return work()
  } finally {
    holder.emitWarning = emit
  }
}

/** Both forms of `process.emitWarning`: the type by itself, or in an options object. */
function warningType(warning: string | Error, second: unknown): unknown {
  if (typeof warning !== 'string') return warning.name
  return typeof second === 'object' && second !== null ? (second as { type?: unknown }).type : second
}
