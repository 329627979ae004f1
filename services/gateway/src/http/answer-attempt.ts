import { uriKey, type Answer, type Command, type CommandGateway, type JsonObject } from '@holdfast/core'
import type { AttemptResult, Metrics } from '@holdfast/observability'
import type { Caller } from './caller.ts'
import { endOfTurn } from './end-of-turn.ts'
import { failedAttempt, type RefusalLog } from './errors.ts'
import { parsePrefer } from './prefer.ts'
import { writeAnswer, type WrittenAnswer } from './written-answer.ts'

export interface AttemptOptions {
  readonly gateway: CommandGateway
  readonly metrics: Metrics
  readonly log: RefusalLog
  /** Wait of an attempt that does not say, milliseconds. */
  readonly waitMs: number
  /** Headers that every answer has: names and values in turn. */
  readonly ofAllAnswers: readonly string[]
}

/** A request for a command that has passed all checks which need no look at the key. */
export interface Attempt {
  readonly command: Command
  readonly caller: Caller
  /** Output of the command's schema. */
  readonly input: object
  /** Of the path. */
  readonly params: Readonly<Record<string, string>>
  readonly requestId: string
  readonly prefer: string | undefined
  readonly traceparent: string | undefined
}

/** Hands an attempt to the gateway, waits for its answer, and writes it down. The same for every way in which a request came; never rejects. */
export async function answerAttempt(attempt: Attempt, options: AttemptOptions): Promise<WrittenAnswer> {
  const { command, caller, input, params, requestId, traceparent } = attempt
  const { gateway, metrics, log, ofAllAnswers } = options
  const { sentKey } = caller
  try {
    const started = performance.now()
    const prefer = parsePrefer(attempt.prefer)
    const answer = await gateway.submit({
      command,
      tenant: caller.tenant,
      key: caller.key ?? uriKey(command.route.method, command.route.path, params),
      input: input as JsonObject,
      waitMs: prefer.waitMs ?? options.waitMs,
      requestId,
      traceparent,
    })
    // Others come together with the commit that they waited for.
    if (answer.kind === 'response' && answer.source === 'replayed') await endOfTurn()
    metrics.attempt(command.name, resultOf(answer), (performance.now() - started) / 1000)
    if (answer.kind === 'refused' && answer.cause !== undefined)
      log.warn({ reqId: requestId, err: answer.cause }, `attempt refused: ${answer.code}`)
    return writeAnswer(answer, { requestId, sentKey, applied: prefer.applied, ofAllAnswers })
  } catch (error) {
    return failedAttempt(error, { log, requestId, sentKey, ofAllAnswers })
  }
}

const refusedAs: Record<Extract<Answer, { kind: 'refused' }>['code'], AttemptResult> = {
  'body-too-large': 'invalid',
  'command-in-progress': 'conflict',
  'idempotency-key-expired': 'expired',
  'idempotency-key-reused': 'mismatch',
  overloaded: 'overloaded',
  superseded: 'conflict',
  unavailable: 'unavailable',
}

function resultOf(answer: Answer): AttemptResult {
  if (answer.kind === 'refused') return refusedAs[answer.code]
  if (answer.kind === 'pending') return 'pending'
  return answer.source
}
