import type { ResultEvent } from '@holdfast/contracts'
import { commandIdOf, outcomeResult, type CommandEnvelope, type Resolution } from '@holdfast/core'

/** The result that a command has come to; undefined when nothing was decided. */
export function resultOf(envelope: CommandEnvelope, resolution: Resolution): ResultEvent | undefined {
  if (resolution.kind !== 'outcome') return undefined
  const { outcome: kind, generation, response, completedAtMs, expiresAtMs } = resolution
  const commandId = commandIdOf(envelope.tenant, envelope.key)
  return outcomeResult({ commandId, generation, origin: envelope }, { kind, response, completedAtMs, expiresAtMs })
}
