import { existsSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { created, defineApp, defineCommand } from '@holdfast/core'
import { z } from 'zod'
import { app as contract } from '../apps/contract.ts'

const input = z.strictObject({ folder: z.string().min(1), name: z.string().regex(/^[a-z0-9-]+$/) })
const lookEveryMs = 10

/**
 * Decides when the test lets it. Which handlers have begun it, and which have come to their decision, stands in files
 * beside the gate: one process id a line.
 */
const gated = defineCommand({
  name: 'test.gated',
  route: { method: 'POST', path: '/test/gated' },
  input,
  retry: { timeoutMs: 50_000 },
  async handle({ folder, name }, ctx) {
    const file = (what: string): string => join(folder, `${name}.${what}`)
    await appendFile(file('begun'), `${process.pid}\n`)
    while (!existsSync(file('open'))) await pause(lookEveryMs, undefined, { signal: ctx.signal })
    await appendFile(file('decided'), `${process.pid}\n`)
    return { type: 'GatePassed', data: { id: ctx.id, name, decided_by: process.pid } } as const
  },
  respond: ({ data }) => created(data),
})

/** Fails until the test opens its gate; each try stands in the file of those that have begun it. */
const stubborn = defineCommand({
  name: 'test.stubborn',
  route: { method: 'POST', path: '/test/stubborn' },
  input,
  retry: { attempts: 10_000, initialDelayMs: 20, maxDelayMs: 200 },
  async handle({ folder, name }, ctx) {
    await appendFile(join(folder, `${name}.begun`), `${process.pid}\n`)
    if (!existsSync(join(folder, `${name}.open`))) throw new Error('not yet')
    return { type: 'DoneAtLast', data: { id: ctx.id, name } } as const
  },
  respond: ({ data }) => created(data),
})

/** The application of the contract, and commands whose course a test holds in its hand. */
export const app = defineApp({ name: 'distributed', commands: [...contract.commands, gated, stubborn] })
