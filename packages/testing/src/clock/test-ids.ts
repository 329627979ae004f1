import type { Ids } from '@holdfast/core'

/**
 * Ids that are the same in every run: a counter in the form of UUIDs. Share one generator among all that stand for
 * processes of one system, so that no two ids are alike.
 */
export function createTestIds(): Ids {
  let count = 0
  const next = (): string => (++count).toString(16).padStart(12, '0')
  return {
    uuid: () => `00000000-0000-4000-8000-${next()}`,
    attemptId: (nowMs) => {
      const time = nowMs.toString(16).padStart(12, '0').slice(-12)
      return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${next()}`
    },
  }
}
