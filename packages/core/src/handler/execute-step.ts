import type { Aggregates } from '../aggregate/aggregates.ts'
import type { Aggregate, ExecuteOptions, ExecuteResult } from '../aggregate/define-aggregate.ts'
import type { DomainEvent } from '../command/define-command.ts'
import type { JsonValue } from '../json.ts'
import type { StepRecord } from '../key-state/steps.ts'
import { defaultStepRetry, type Steps } from './steps.ts'

/**
 * `ctx.execute`: a command to an aggregate as a step. Its start is recorded with the aggregate's revision before the
 * append; after a crash in between, the events are looked for from there on, by the step key in their metadata.
 */
export function executeStep(
  { steps, aggregates }: { readonly steps: Steps; readonly aggregates: Aggregates },
  target: { readonly aggregate: Aggregate; readonly id: string },
  options: { readonly command: JsonValue } & ExecuteOptions<JsonValue, DomainEvent>,
): Promise<ExecuteResult> {
  const { aggregate, id } = target
  const name = options.step ?? `${aggregate.name}-${id}`
  const stepKey = steps.keyOf(name)
  const undo = options.undo?.bind(options)
  let place: StepRecord['place']
  const recorded = steps.take({
    name,
    started: async () => {
      place = await aggregates.placeOf(aggregate, id)
      return { place: { ...place } }
    },
    run: async (before) => {
      place ??= before?.place
      const found = before?.place && (await aggregates.find(aggregate, id, { stepKey, after: before.place.after }))
      const result: ExecuteResult = found
        ? { kind: 'done', events: found }
        : await aggregates.execute(aggregate, id, { command: options.command, stepKey })
      return result as unknown as JsonValue
    },
    ...(undo && {
      undo: (recordedResult) => {
        const result = recordedResult as unknown as ExecuteResult
        if (result.kind === 'rejected') return undefined
        return { retry: defaultStepRetry, run: () => undoOnce(undo(result.events)) }
      },
    }),
  })
  async function undoOnce(command: JsonValue): Promise<void> {
    const undoKey = steps.undoKeyOf(name)
    const after = place?.after ?? steps.records.find((record) => record.name === name)?.place?.after ?? -1
    if ((await aggregates.find(aggregate, id, { stepKey: undoKey, after })) !== undefined) return
    const undone = await aggregates.execute(aggregate, id, { command, stepKey: undoKey })
    if (undone.kind === 'rejected') throw new Error(`${aggregate.name} "${id}" refuses to take the step back`)
  }
  return recorded as unknown as Promise<ExecuteResult>
}
