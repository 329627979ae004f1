import type { ResultEvent } from '@holdfast/contracts'
import { asError } from '../errors.ts'
import type { ConsumeOptions } from './delivery.ts'

/** A result that is in the caller's hands. */
interface Taken {
  readonly result: ResultEvent
  /** The caller asks for the next one. */
  readonly handled: () => void
  /** The caller has left the loop. */
  readonly left: (error: Error) => void
}

/**
 * Results one after the other, for `for await`: a result counts as handled, and its checkpoint is told, when the next one is
 * asked for. The one at which the loop is left does not, since `break` and `throw` look the same: it comes again.
 *
 * @throws what the consumption throws; nothing of it once the loop is left
 */
export async function* iterateResults<Options extends ConsumeOptions>(
  consume: (options: Options) => Promise<void>,
  options: Omit<Options, 'onResult'>,
): AsyncGenerator<ResultEvent, void, undefined> {
  const leaving = new AbortController()
  const signal = AbortSignal.any(options.signal === undefined ? [leaving.signal] : [options.signal, leaving.signal])
  let offer = Promise.withResolvers<Taken | undefined>()
  const onResult = (result: ResultEvent): Promise<void> =>
    new Promise((handled, left) => {
      offer.resolve({ result, handled, left })
    })
  // The caller's options and these two are all that there is of them.
  const running = consume({ ...options, signal, onResult } as unknown as Options).then(
    () => {
      offer.resolve(undefined)
    },
    (error: unknown) => {
      // Nobody may be waiting at the moment: it is thrown when somebody asks.
      offer.promise.catch(() => undefined)
      offer.reject(asError(error))
    },
  )
  let taken: Taken | undefined
  try {
    for (;;) {
      taken = await offer.promise
      if (taken === undefined) return
      offer = Promise.withResolvers()
      yield taken.result
      taken.handled()
    }
  } finally {
    leaving.abort()
    taken?.left(new Error('the loop was left'))
    await running
  }
}
