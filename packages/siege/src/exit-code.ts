import type { SiegeResult } from './run-siege.ts'
import type { SiegeError } from './siege-error.ts'

/**
 * Of the command: 0 passed, 1 failed, 5 could not be told, 130 interrupted. The other codes are those of the command line: 2 for what
 * was called wrongly, 3 for a target that cannot be used.
 */
export function exitCodeOf({ verdict, stopped }: Pick<SiegeResult, 'verdict' | 'stopped'>): 0 | 1 | 5 | 130 {
  if (stopped === 'interrupted') return 130
  switch (verdict) {
    case 'pass':
      return 0
    case 'fail':
      return 1
    case 'inconclusive':
      return 5
  }
}

/** Of a siege that could not begin. */
export const exitCodeOfError = ({ code }: SiegeError): 2 | 3 => (code === 'target-unusable' ? 3 : 2)
