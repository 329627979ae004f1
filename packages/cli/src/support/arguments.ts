import { readFile } from 'node:fs/promises'
import { parseTenant, type IdempotencyKey, type Tenant } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'
import { CliError, exitCodes } from './cli-error.ts'

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A moment: RFC 3339, or how long ago: `30m`, `24h`, `7d`. Gives milliseconds since the epoch. */
export function momentArgument(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count !== undefined && unit !== undefined) return Date.now() - Number(count) * (units[unit] ?? 0)
  const ms = /^\d{4}-\d\d-\d\d(T.*)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It takes a time such as 2026-11-24T08:00:00Z, or 30m, 24h, 7d.')
  return ms
}

export function tenantArgument(text: string): Tenant {
  const tenant = parseTenant(text)
  if (tenant === undefined) throw new InvalidArgumentError('A tenant has 1 to 64 of A-Z a-z 0-9 . _ -')
  return tenant
}

export const defaultTenant = 'default' as Tenant

/** A key, or what stands for one: `DELETE /api/orders/o-1` for a command that its URI names. */
export function keyArgument(text: string): IdempotencyKey {
  if (!/^[\x20-\x7e]{1,4096}$/.test(text)) throw new InvalidArgumentError('A key is visible ASCII.')
  return text as IdempotencyKey
}

export function countArgument(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It takes a whole number from 1 on.')
  return Number(text)
}

/** Several times: each is kept. */
export const listArgument = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

/** @throws CliError `usage` */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CliError(exitCodes.usage, `${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
