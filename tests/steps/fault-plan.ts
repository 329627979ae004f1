import { send } from '@holdfast/testing/http'
import { until } from '@holdfast/testing/processes'
import type { Behaviour } from '../../examples/orders/providers/server.ts'
import type { Agents } from './agents.ts'
import { nextCrash } from './planned-crashes.ts'
import { chances, pick, pickOf } from './seed.ts'
import type { Shop } from './shop.ts'

/** Something that goes wrong. It may last longer than `strike`. */
export interface FaultKind {
  readonly name: string
  strike(random: () => number): Promise<void>
}

const misbehaviours: readonly [Behaviour, ...Behaviour[]] = [
  { mode: 'fail-before', times: 3 },
  { mode: 'fail-after', times: 3 },
  { mode: 'down', times: 3 },
  { mode: 'slow', times: 5, delayMs: 400 },
  // The step's own timeout ends it: so only now and then.
  { mode: 'hang', times: 1 },
]

/** Faults that both runtimes know. Somebody else starts again what has died. */
export function commonFaults({ nodes, providers, crasher }: Shop): readonly [FaultKind, ...FaultKind[]] {
  const { payments, shipping } = providers
  return [
    { name: 'kill', strike: async (random) => void pickOf(random, nodes).process.kill('SIGKILL') },
    { name: 'crash at a boundary', strike: (random) => crasher.arm(nextCrash(random, crasher.planned)) },
    {
      name: 'a provider misbehaves',
      async strike(random) {
        const { url } = pick<{ readonly url: string }>(random, [payments, shipping])
        // It may be dead just now.
        await send({
          url,
          method: 'POST',
          path: '/behaviour',
          body: JSON.stringify(pick(random, misbehaviours)),
        }).catch(() => undefined)
      },
    },
    {
      name: 'a provider is killed',
      strike: async (random) => void pick(random, [payments.node, shipping.node]).process.kill('SIGKILL'),
    },
  ]
}

/** Lets one fault after another strike, each after so many more attempts, until the agents are done. Returns how many. */
export async function injectFaults(
  agents: Agents,
  faults: readonly [FaultKind, ...FaultKind[]],
  everyAttempts: number,
): Promise<ReadonlyMap<string, number>> {
  const random = chances(2)
  const counts = new Map<string, number>()
  for (;;) {
    const before = agents.attempts
    const among = everyAttempts * (0.5 + random())
    await until(() => agents.done || agents.attempts - before >= among, {
      what: 'the agents go on',
      timeoutMs: 120_000,
    })
    if (agents.done) return counts
    const fault = pick(random, faults)
    await fault.strike(random)
    counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1)
  }
}
