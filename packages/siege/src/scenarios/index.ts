import type { Plan } from '../options.ts'
import { SiegeError } from '../siege-error.ts'
import { concurrentScenarios } from './concurrent.ts'
import { cutScenarios } from './cut.ts'
import { keyScenarios } from './keys.ts'
import { loadScenarios } from './load.ts'
import { otherRequestScenarios } from './other-request.ts'
import { recordedFailureScenarios } from './recorded-failures.ts'
import { restartScenario } from './restart.ts'
import type { Scenario } from './scenario.ts'

/** What a rogue agent does, from a single key to all at once. The restart comes last: not every target comes back. */
export const scenarios: readonly Scenario[] = [
  ...concurrentScenarios,
  ...cutScenarios,
  ...recordedFailureScenarios,
  ...otherRequestScenarios,
  ...keyScenarios,
  ...loadScenarios,
  restartScenario,
]

/** @throws SiegeError `options` for an identifier that no scenario has, or when none is left */
export function chosen(all: readonly Scenario[], { only, skip }: Pick<Plan, 'only' | 'skip'>): readonly Scenario[] {
  const unknown = [...(only ?? []), ...(skip ?? [])].filter((id) => !all.some((one) => one.id === id))
  if (unknown.length > 0) {
    throw new SiegeError(
      'options',
      `no scenario is called ${unknown.join(', ')}: there are ${all.map(({ id }) => id).join(', ')}`,
    )
  }
  const left = all.filter(({ id }) => (only?.includes(id) ?? true) && !(skip?.includes(id) ?? false))
  if (left.length === 0) throw new SiegeError('options', 'of all scenarios none is left')
  return left
}
