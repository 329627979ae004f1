import { TransportError } from '@holdfast/core'
import type { CommandEnvelope, Resolution } from '@holdfast/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { silentLogger } from './logger.ts'
import { createPendingAttempts } from './pending-attempts.ts'
import type { PendingAttemptsOptions } from './pending-attempts.ts'
import { attempt, outcomeOf } from './test-support/commands.ts'

const create = (options: Partial<PendingAttemptsOptions> = {}) =>
  createPendingAttempts({
    lookup: () => Promise.resolve(undefined),
    lookupBackoff: { minMs: 10, maxMs: 20 },
    maxConcurrentLookups: 2,
    publishTimeoutMs: 60_000,
    maxPendingMs: 60_000,
    logger: silentLogger,
    metrics: {},
    ...options,
  })

const nothing = () => undefined

test('a reply resolves the attempt, tells its tries, and makes it durable', async () => {
  const pending = create()
  const envelope = attempt()
  const { dispatch } = pending.add(envelope, nothing)
  expect(dispatch.attempts()).toBe(1)
  pending.reply({ v: 1, kind: 'progress', attemptId: envelope.attemptId, attempts: 2 })
  expect(dispatch.attempts()).toBe(2)
  const resolution = outcomeOf(envelope)
  pending.reply({ v: 1, kind: 'resolution', attemptId: envelope.attemptId, attempts: 3, resolution })
  expect(await dispatch.resolution).toEqual(resolution)
  await dispatch.durable()
  expect(dispatch.attempts()).toBe(3)
  expect(pending.size).toBe(0)
})

test('a second reply, and one for an attempt that nobody knows, change nothing', async () => {
  const pending = create()
  const envelope = attempt()
  const { dispatch } = pending.add(envelope, nothing)
  const reply = { v: 1, kind: 'resolution', attemptId: envelope.attemptId, attempts: 1 } as const
  pending.reply({ ...reply, resolution: { kind: 'reused' } })
  pending.reply({ ...reply, resolution: { kind: 'expired' } })
  pending.reply({ ...reply, attemptId: 'unknown', resolution: { kind: 'expired' } })
  expect(await dispatch.resolution).toEqual({ kind: 'reused' })
})

test('a published attempt is looked up until there is an outcome, a look-up that fails included', async () => {
  const envelope = attempt()
  let lookups = 0
  const pending = create({
    lookup: (looked: CommandEnvelope): Promise<Resolution | undefined> => {
      lookups++
      if (lookups === 1) return Promise.reject(new Error('the store is away'))
      return Promise.resolve(lookups < 4 ? undefined : outcomeOf(looked))
    },
  })
  const { dispatch, published } = pending.add(envelope, nothing)
  published()
  expect(await dispatch.resolution).toEqual(outcomeOf(envelope))
  expect(lookups).toBe(4)
})

test('a reply that is too large says so, and the look-up follows at once', async () => {
  const envelope = attempt()
  const pending = create({
    lookup: (looked) => Promise.resolve(outcomeOf(looked)),
    lookupBackoff: { minMs: 1_000_000, maxMs: 1_000_000 },
  })
  const { dispatch, published } = pending.add(envelope, nothing)
  published()
  pending.reply({ v: 1, kind: 'look-up', attemptId: envelope.attemptId, attempts: 1 })
  expect(await dispatch.resolution).toEqual(outcomeOf(envelope))
})

test('look-ups are bounded, however many wait', async () => {
  let running = 0
  let most = 0
  const pending = create({
    lookup: async (looked) => {
      running++
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return outcomeOf(looked)
    },
  })
  const attempts = Array.from({ length: 20 }, () => pending.add(attempt(), nothing))
  for (const { published } of attempts) published()
  await Promise.all(attempts.map(({ dispatch }) => dispatch.resolution))
  expect(most).toBe(2)
})

test('an outcome that is there already is found before the command is published, and its message let go', async () => {
  let letGo = 0
  const pending = create({ lookup: (looked) => Promise.resolve(outcomeOf(looked)) })
  const envelope = attempt()
  const { dispatch } = pending.add(envelope, () => letGo++)
  expect(await dispatch.resolution).toEqual(outcomeOf(envelope))
  await dispatch.durable()
  expect(letGo).toBe(1)
})

test('while replies are slow, an attempt is looked up when its reply is late, not before', async () => {
  vi.useFakeTimers()
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const looked: string[] = []
  const pending = create({
    lookup: ({ attemptId }) => {
      looked.push(attemptId)
      return Promise.resolve(undefined)
    },
    lookupBackoff: { minMs: 10, maxMs: 5_000 },
  })
  const [first, second] = [attempt(), attempt()]
  pending.add(first, nothing)
  await vi.advanceTimersByTimeAsync(400)
  pending.reply({ v: 1, kind: 'resolution', attemptId: first.attemptId, attempts: 1, resolution: outcomeOf(first) })
  pending.add(second, nothing)
  // Twice 400 ms and four deviations of 200 ms.
  await vi.advanceTimersByTimeAsync(2_390)
  expect(looked).not.toContain(second.attemptId)
  await vi.advanceTimersByTimeAsync(50)
  expect(looked).toContain(second.attemptId)
})

test('what is not acknowledged in time is given up, and its message let go', async () => {
  let letGo = 0
  const pending = create({ publishTimeoutMs: 10 })
  const { dispatch } = pending.add(attempt(), () => letGo++)
  await expect(dispatch.durable()).rejects.toBeInstanceOf(TransportError)
  await expect(dispatch.resolution).rejects.toBeInstanceOf(TransportError)
  expect(letGo).toBe(1)
  expect(pending.size).toBe(0)
})

test('what was published is durable, also when its outcome does not come in time', async () => {
  let letGo = 0
  const pending = create({ maxPendingMs: 10 })
  const { dispatch, published } = pending.add(attempt(), () => letGo++)
  published()
  await dispatch.durable()
  await expect(dispatch.resolution).rejects.toBeInstanceOf(TransportError)
  await dispatch.durable()
  expect(letGo).toBe(0)
})

test('closing gives all up', async () => {
  const pending = create()
  const attempts = Array.from({ length: 3 }, () => pending.add(attempt(), nothing))
  const error = new TransportError('closed')
  pending.close(error)
  for (const { dispatch } of attempts) await expect(dispatch.resolution).rejects.toBe(error)
  expect(pending.size).toBe(0)
})
