/**
 * Why a siege cannot begin, or was stopped.
 * - `options`: something in the options cannot be
 * - `target-not-owned`: the target is not loopback, and nobody said that it is theirs
 * - `target-unusable`: the first plain request had no success
 */
export class SiegeError extends Error {
  override readonly name = 'SiegeError'
  readonly code: 'options' | 'target-not-owned' | 'target-unusable'

  constructor(code: SiegeError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What ended a siege before its last scenario. */
export type StopReason = 'requests' | 'time' | 'interrupted' | 'gone'

export const stopText: Readonly<Record<StopReason, string>> = {
  requests: 'the bound on requests was reached',
  time: 'the bound on time was reached',
  interrupted: 'it was interrupted',
  gone: 'nobody listened at the target any more',
}

/** Thrown within a scenario when the siege stops under it. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly reason: StopReason

  constructor(reason: StopReason) {
    super(stopText[reason])
    this.reason = reason
  }
}
