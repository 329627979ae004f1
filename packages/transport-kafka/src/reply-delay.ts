/**
 * How long replies take at present, and from when on one must be taken for late: the estimate of RFC 6298, section 2, as
 * TCP makes it for its retransmissions. A fixed time would have every attempt looked up as soon as the brokers, the
 * store or this machine are slow, which makes them slower.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6298#section-2
 */
export interface ReplyDelay {
  /** A reply came so long after its command, milliseconds. Look-ups are not noted: what is slow there is not a reply. */
  note(delayMs: number): void
  /**
   * A reply that takes longer than this is late, milliseconds: twice what RFC 6298 gives, since nothing is wrong with most
   * that take that long. 0 before the first.
   */
  lateAfterMs(): number
}

const meanGain = 1 / 8
const deviationGain = 1 / 4
const deviations = 4
const margin = 2

export function createReplyDelay(): ReplyDelay {
  let meanMs: number | undefined
  let deviationMs = 0

  return {
    note: (delayMs) => {
      if (meanMs === undefined) {
        meanMs = delayMs
        deviationMs = delayMs / 2
        return
      }
      deviationMs += (Math.abs(delayMs - meanMs) - deviationMs) * deviationGain
      meanMs += (delayMs - meanMs) * meanGain
    },
    lateAfterMs: () => (meanMs === undefined ? 0 : margin * (meanMs + deviations * deviationMs)),
  }
}
