import type { Aggregates } from '../aggregate/aggregates.ts'
import type { Aggregate, ExecuteOptions, ExecuteResult } from '../aggregate/define-aggregate.ts'
import type { DomainEvent } from '../command/define-command.ts'
import type { RetryPolicy } from '../command/retry-policy.ts'
import type { JsonValue } from '../json.ts'
import type { AggregatePlace } from '../key-state/steps.ts'
import { defaultStepRetry, type Steps } from './steps.ts'

/** Either the store answers, or it refuses: that a write takes long tells nothing about it. */
const undoRetry: RetryPolicy = { ...defaultStepRetry, timeoutMs: 2 ** 31 - 1 }

interface ExecuteStepDeps {
  readonly steps: Steps
  readonly aggregates: Aggregates
  readonly tenant: string
}

/**
 * `ctx.execute`: a command to an aggregate as a step. Its start is recorded with the aggregate's revision before the
 * append; after a crash in between, the events are looked for from there on, by the step key in their metadata. A step
 * that was interrupted is closed before it is undone: it is neither left behind, nor written later by someone else.
 */
export function executeStep(
  { steps, aggregates, tenant }: ExecuteStepDeps,
  target: { readonly aggregate: Aggregate; readonly id: string },
  options: { readonly command: JsonValue } & ExecuteOptions<JsonValue, DomainEvent>,
): Promise<ExecuteResult> {
  const { aggregate, id } = target
  const name = options.step ?? `${aggregate.name}-${id}`
  const undo = options.undo?.bind(options)
  let place: AggregatePlace | undefined
  const recorded = steps.take({
    name,
    interrupted: 'closed',
    started: async () => {
      place = await aggregates.placeOf(aggregate, id)
      return { place: { ...place } }
    },
    run: async (before, closing) => {
      const { after } = place ?? before?.place ?? unknownPlace
      const turn = closing ? 'close' : before === undefined ? 'first' : 'again'
      const request = { command: options.command, tenant, stepKey: steps.keyOf(name), after, turn } as const
      return (await aggregates.execute(aggregate, id, request)) as unknown as JsonValue
    },
    ...(undo && {
      undo: (recordedResult) => {
        const result = recordedResult as unknown as ExecuteResult
        if (result.kind === 'rejected' || result.events.length === 0) return undefined
        return { retry: undoRetry, run: () => undoOnce(() => undo(result.events)) }
      },
    }),
  })
  async function undoOnce(command: () => JsonValue): Promise<void> {
    const stepKey = steps.undoKeyOf(name)
    const { after } = place ?? steps.records.find((record) => record.name === name)?.place ?? unknownPlace
    const undone = await aggregates.execute(aggregate, id, {
      command: command(),
      tenant,
      stepKey,
      after,
      turn: 'first',
    })
    if (undone.kind === 'rejected') throw new Error(`${aggregate.name} "${id}" refuses to take the step back`)
  }
  return recorded as unknown as Promise<ExecuteResult>
}

const unknownPlace = { after: -1 }
