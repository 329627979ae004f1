import { describe, expect, test } from 'vitest'
import { LazyAbort } from './lazy-abort.ts'

describe('LazyAbort', () => {
  test('its signal fires, whether it was asked for before the abort or after', () => {
    const [before, after] = [new LazyAbort(), new LazyAbort()]
    const { signal } = before
    expect([before.aborted, signal.aborted]).toEqual([false, false])
    before.abort()
    after.abort()
    expect([before.aborted, signal.aborted, after.signal.aborted]).toEqual([true, true, true])
    expect(before.signal).toBe(signal)
  })

  test('tells the reason, whenever it is asked', () => {
    const [early, late] = [new LazyAbort(), new LazyAbort()]
    const { signal } = early
    const reason = new Error('enough')
    early.abort(reason)
    late.abort(reason)
    expect([signal.reason, late.signal.reason]).toEqual([reason, reason])
  })

  test('aborts once', () => {
    const abort = new LazyAbort()
    let fired = 0
    abort.signal.addEventListener('abort', () => fired++)
    abort.abort()
    abort.abort()
    expect(fired).toBe(1)
  })
})
