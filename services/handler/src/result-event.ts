import { commandIdOf, type CommandEnvelope, type Resolution } from '@holdfast/core'
import type { ResultEvent } from '@holdfast/transport-kafka'

/**
 * The CloudEvent of an outcome. Its id is made from the key's command id and the generation: one outcome has one id,
 * however often, and by whichever handler, it is published.
 */
export function resultEventOf(envelope: CommandEnvelope, resolution: Resolution): ResultEvent | undefined {
  if (resolution.kind !== 'outcome') return undefined
  const commandId = commandIdOf(envelope.tenant, envelope.key)
  const { outcome, generation, response, completedAtMs } = resolution
  return {
    id: `${commandId}-${generation}`,
    type: `holdfast.command.${outcome}`,
    source: '/commands',
    subject: commandId,
    time: new Date(completedAtMs).toISOString(),
    extensions: { command: envelope.command, tenant: envelope.tenant },
    data: {
      command_id: commandId,
      command: envelope.command,
      outcome,
      generation,
      completed_at: new Date(completedAtMs).toISOString(),
      response: { status: response.status, headers: { ...response.headers }, body: response.body },
    },
  }
}
