import type { AppendOutcome, AppendRequest } from './database.ts'
import type { RpcError } from './rpc-errors.ts'
import type { ServerContext } from './server-context.ts'
import { refusal } from './server-context.ts'

export type AppendAnswer = AppendOutcome | { readonly kind: 'timeout' }

/** How one append is answered: over a call of its own, or over a shared one. */
export interface AnswerChannel {
  answer(answer: AppendAnswer): void
  notReady(): void
  /** Ends the call without an answer. */
  end(): void
  /** Fails the call. */
  fail(error: RpcError): void
}

export interface Appender {
  submit(request: AppendRequest, channel: AnswerChannel): void
}

/** How often appends that wait are looked at for their time being up. */
const sweepMs = 50

/** Writes and answers, or does what a fault says. */
export function createAppender(context: ServerContext): Appender {
  const waiting: { readonly dueMs: number; settled: boolean; readonly expire: () => void }[] = []
  let sweeping = false

  function sweep(): void {
    for (let first = waiting[0]; first && (first.settled || first.dueMs <= performance.now()); first = waiting[0]) {
      waiting.shift()
      if (!first.settled) first.expire()
    }
    sweeping = waiting.length > 0
    if (sweeping) context.later(sweepMs, sweep)
  }

  function perform(request: AppendRequest, done: (answer: AppendAnswer) => void): void {
    const turn = {
      dueMs: performance.now() + context.writeTimeoutMs,
      settled: false,
      expire: () => {
        turn.settled = true
        done({ kind: 'timeout' })
      },
    }
    const outcome: AppendOutcome = context.database.append(request, () => {
      if (turn.settled) return
      turn.settled = true
      done(outcome)
    })
    if (outcome.kind !== 'written' && outcome.kind !== 'idempotent-not-ready') {
      done(outcome)
      return
    }
    // A write that is dropped, for it is stored but not indexed, waits here for its time to be up as well.
    waiting.push(turn)
    if (sweeping) return
    sweeping = true
    context.later(sweepMs, sweep)
  }

  return {
    submit(request, channel) {
      const fault = context.faults.take('append', request.stream)
      const answer = (given: AppendAnswer): void => {
        channel.answer(given)
      }
      const either = (act: boolean, then: () => void): void => {
        if (act) perform(request, then)
        else then()
      }
      switch (fault?.kind) {
        case undefined:
          perform(request, answer)
          return
        case 'delay':
          context.later(fault.ms, () => {
            perform(request, answer)
          })
          return
        case 'answer-late':
          perform(request, (given) => {
            context.later(fault.ms, () => {
              answer(given)
            })
          })
          return
        case 'answer-twice':
          perform(request, (given) => {
            answer(given)
            context.later(fault.ms, () => {
              answer(given)
            })
          })
          return
        case 'no-answer':
          either(fault.act, () => undefined)
          return
        case 'end':
          either(fault.act, () => {
            channel.end()
          })
          return
        case 'close-connections':
          either(fault.act, context.closeConnections)
          return
        case 'die':
          either(fault.act, context.die)
          return
        case 'not-ready':
          channel.notReady()
          return
        case 'not-leader':
        case 'unavailable': {
          const error = refusal(context, fault)
          if (error) channel.fail(error)
        }
      }
    },
  }
}
