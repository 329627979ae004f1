/**
 * The contract of the `CommandTransport` port, as a vitest suite that every adapter runs:
 * `describeCommandTransportContract('kafka', { open })` in a test beside the adapter.
 *
 * File map: `subject.ts` (what an adapter hands in) · `kit.ts` (attempts, outcomes, bounded waits) · `outcomes.ts` ·
 * `order.ts` (per key, and keys side by side) · `durability.ts` (durable before the outcome, repetition, closing).
 */
export type { CommandTransportContractFactory, CommandTransportUnderTest, ProcessCommand } from './subject.ts'

import { describe } from 'vitest'
import { describeDurability } from './durability.ts'
import { describeOrder } from './order.ts'
import { describeOutcomes } from './outcomes.ts'
import type { CommandTransportContractFactory } from './subject.ts'

/** Declares the whole suite under `CommandTransport contract: <name>`. Every test opens its own subject. */
export function describeCommandTransportContract(name: string, factory: CommandTransportContractFactory): void {
  describe(`CommandTransport contract: ${name}`, () => {
    describeOutcomes(factory)
    describeOrder(factory)
    describeDurability(factory)
  })
}
