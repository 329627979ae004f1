import type { SiegeResult } from './run-siege.ts'

/** Of the command: 0 passed, 1 failed, 3 could not be told, 130 interrupted. 2 is for what could not begin. */
export function exitCodeOf({ verdict, stopped }: Pick<SiegeResult, 'verdict' | 'stopped'>): 0 | 1 | 3 | 130 {
  if (stopped === 'interrupted') return 130
  switch (verdict) {
    case 'pass':
      return 0
    case 'fail':
      return 1
    case 'inconclusive':
      return 3
  }
}
