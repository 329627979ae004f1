import { systemClock, type Dispatch, type Resolution } from '@holdfast/core'

/** A command that is done by then needs one append; this is longer than nearly all of them take. */
const acceptAfterMs = 100

/**
 * The resolution of a command. One that takes longer than a moment is recorded as accepted on its key's stream, so that
 * every gateway sees that it runs: look-ups, other bodies and `concurrent: 'conflict'` are answered without its gateway.
 */
export async function acceptedIfSlow(dispatch: Dispatch): Promise<Resolution> {
  const cancel = systemClock.schedule(acceptAfterMs, () => {
    // The store is away, or the command is decided meanwhile: that is settled where the resolution is.
    dispatch.durable().catch(() => undefined)
  })
  try {
    return await dispatch.resolution
  } finally {
    cancel()
  }
}
