import { KeyTable } from '@holdfast/core'

/** Whether the events of an append were handed to the transport, by the id of its first event. */
export interface SentLog {
  /** Follows an append; several may share an id. */
  track(eventId: string): { wasSent(): boolean; release(): void }
  /** Called when a message that begins with this event is written to a call. */
  mark(eventId: string): void
}

export function createSentLog(): SentLog {
  const tracked = new KeyTable<{ sent: boolean; followers: number }, string>()
  return {
    track(eventId) {
      const known = tracked.get(eventId)
      const entry = known ?? { sent: false, followers: 0 }
      entry.followers += 1
      if (known === undefined) tracked.set(eventId, entry)
      return {
        wasSent: () => entry.sent,
        release() {
          entry.followers -= 1
          if (entry.followers === 0) tracked.delete(eventId)
        },
      }
    },
    mark(eventId) {
      const entry = tracked.get(eventId)
      if (entry) entry.sent = true
    },
  }
}
