import { measure, type Measured } from './measure.ts'
import type { Load } from './load/wrk.ts'
import { pidsOf, type System } from './systems/system.ts'

/**
 * Measures replays, and that they are some: a system that does not know the keys would place the orders, and be measured at
 * that.
 *
 * @throws Error when more orders were placed than the load before may have left behind: one for each connection
 */
export async function measureReplays(system: System, load: Omit<Load, 'mode'>): Promise<Measured> {
  const before = await system.effects?.()
  const figures = await measure(pidsOf(system), { ...load, mode: 'replay' })
  const placed = ((await system.effects?.()) ?? 0) - (before ?? 0)
  if (placed > load.connections)
    throw new Error(`replays of ${load.prefix} at ${load.url}${load.path} placed ${placed} orders`)
  return figures
}
