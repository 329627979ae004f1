import { ESLint } from 'eslint'
import tseslint from 'typescript-eslint'
import { describe, expect, test } from 'vitest'

const root = new URL('..', import.meta.url).pathname

/** The rules that need no types: those about imports do not. */
const eslint = new ESLint({ cwd: root, overrideConfig: [tseslint.configs.disableTypeChecked] })

/** The rules that this text breaks, were it the content of that file. */
async function broken(file: string, text: string): Promise<readonly string[]> {
  const [result] = await eslint.lintText(text, { filePath: `${root}${file}` })
  if (result === undefined) throw new Error(`${file} is not linted`)
  return result.messages.map(({ ruleId, message }) => ruleId ?? message)
}

const core = 'packages/core/src/key-state/decide.ts'

describe('the rules of the linter', () => {
  test.each([
    "import { readFileSync } from 'node:fs'; export const x = readFileSync",
    "import fs from 'fs'; export const x = fs",
    "import { setTimeout } from 'node:timers/promises'; export const x = setTimeout",
    "import { fastify } from 'fastify'; export const x = fastify",
    "import { request } from 'undici'; export const x = request",
    "import type { Pool } from 'pg'; export type X = Pool",
    "export { createMetrics } from '@holdfast/observability'",
    "export { createSqliteEventStore } from '@holdfast/event-store-sqlite'",
    "export { createSqliteEventStore } from '../../../event-store-sqlite/src/index.ts'",
    "export const x = () => import('node:fs')",
    "export const x = () => fetch('http://127.0.0.1')",
    'export const x = process.env',
    'export const x = Date.now()',
    'export const x = new Date()',
    'export const x = Math.random()',
    'export const x = () => setTimeout(() => undefined, 1)',
    "export const x = () => { console.log('x') }",
    'export const x: any = 1',
  ])('core is free of I/O, time and chance, and imports point inward: %s', async (text) => {
    expect(await broken(core, `${text}\n`)).toHaveLength(1)
  })

  test('core may import its own files, contracts, zod and hashes', async () => {
    const text = `
      import { hash } from 'node:crypto'
      import { headers } from '@holdfast/contracts'
      import { z } from 'zod'
      import { parseTenant } from '../brands.ts'
      export const x = [hash, headers, z, parseTenant, new Date(0)]
    `
    expect(await broken(core, text)).toEqual([])
  })

  test.each([
    ['packages/contracts/src/errors.ts', "export { parseTenant } from '@holdfast/core'\n"],
    ['packages/contracts/src/errors.ts', "export { readFileSync } from 'node:fs'\n"],
    ['packages/client/src/send.ts', "export { parseTenant } from '@holdfast/core'\n"],
    ['packages/client/src/send.ts', "export { readFileSync } from 'fs'\n"],
    ['packages/projections/src/fold.ts', "export { buildGateway } from '@holdfast/gateway/app.ts'\n"],
    ['packages/projections/src/fold.ts', "export { buildGateway } from '../../../services/gateway/src/app.ts'\n"],
    ['packages/event-store-sqlite/src/pages.ts', "export const x = 'SELECT 1 LIMIT ?'\n"],
    ['packages/read-store-sqlite/src/reader.ts', 'export const x = (a: string) => `SELECT ${a} LIMIT ?5`\n'],
    ['services/handler/src/app.ts', "export { buildGateway } from '@holdfast/gateway/app.ts'\n"],
    ['services/handler/src/app.ts', "export { buildGateway } from '../../gateway/src/app.ts'\n"],
    ['services/gateway/src/app.ts', `${'\n'.repeat(400)}export const x = 1\n`],
    ['services/gateway/src/app.ts', 'export function x(a: 1, b: 1, c: 1, d: 1) { return [a, b, c, d] }\n'],
  ])('%s: refused', async (file, text) => {
    expect(await broken(file, text)).toHaveLength(1)
  })

  test('only standalone may import another service', async () => {
    const text = "export { buildGateway } from '@holdfast/gateway/app.ts'\n"
    expect(await broken('services/standalone/src/app.ts', text)).toEqual([])
  })
})
