import { AuditError, type AuditErrorCode } from '@holdfast/audit'
import { SettingsError } from '@holdfast/config'
import { EventStoreError, ReadStoreError } from '@holdfast/core'
import { CliError, exitCodes, type ExitCode } from './cli-error.ts'

const ofAudit: Readonly<Record<AuditErrorCode, ExitCode>> = {
  key: exitCodes.usage,
  signature: exitCodes.no,
  seal: exitCodes.no,
  'not-sealed': exitCodes.notFound,
  tampered: exitCodes.no,
  proof: exitCodes.no,
}

/** What an error means for the run: its exit code, and a line to tell. */
export function exitOf(error: unknown): { readonly exitCode: number; readonly line: string } {
  const line = lineOf(error)
  if (error instanceof CliError) return { exitCode: error.exitCode, line }
  if (error instanceof AuditError) return { exitCode: ofAudit[error.code], line }
  if (error instanceof SettingsError) return { exitCode: exitCodes.usage, line }
  if (error instanceof EventStoreError || error instanceof ReadStoreError) {
    return { exitCode: error.code === 'corrupt' ? exitCodes.no : exitCodes.unavailable, line }
  }
  return { exitCode: 70, line: `an error of the tool itself: ${line}` }
}

const lineOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    .split('\n')
    .filter((part) => part !== '')
    .join('; ')
