/**
 * Where a process dies.
 * - `before-append`, `after-append`: an event, by type or `<type>:<step>`; after it is durable, and before anybody hears
 * - `before-call`, `after-call`: of a provider (`charge`, `refund`, `label`); after its effect was told
 * - `before-reply`: an answer with an outcome, by status
 */
export interface CrashPoint {
  /** SIGSTOP makes a zombie: it goes on from exactly there when it is woken. */
  readonly signal: 'SIGKILL' | 'SIGSTOP'
  readonly when: 'before-append' | 'after-append' | 'before-call' | 'after-call' | 'before-reply'
  readonly what: string
  /** Among all that were armed. */
  readonly number: number
}

/** `<when> <what>` */
export type PointText = `${CrashPoint['when']} ${string}`

export function parsePoint(text: string): CrashPoint | undefined {
  const [when, what, signal = 'SIGKILL', number] = text.trim().split(' ')
  if (when === undefined || what === undefined) return undefined
  return { when: when as CrashPoint['when'], what, signal: signal as CrashPoint['signal'], number: Number(number) }
}

/** What the file of a crash point becomes when a process is struck by it. */
export const struckFile = (file: string, number: number): string => `${file}.${number}.struck`
