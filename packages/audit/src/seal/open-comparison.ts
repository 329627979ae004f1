import { existsSync } from 'node:fs'
import type { KeyObject } from 'node:crypto'
import { AuditError } from '../audit-error.ts'
import { openCheckpoint } from './checkpoint.ts'
import { compareWithSeals, type SealComparison } from './compare.ts'
import { openLeavesFile } from './leaves-file.ts'
import { readSeals, sealFilesOf } from './seal-folder.ts'

export interface OpenComparisonOptions {
  readonly folder: string
  readonly publicKey: KeyObject
  /** Signed checkpoints that were kept elsewhere: whoever changes data and seal folder does not have these. Default: none. */
  readonly kept?: readonly string[]
}

/**
 * Opens a seal folder to compare a store with it.
 *
 * @throws AuditError `seal` (damaged, or there is neither a seal nor a kept checkpoint), `signature`
 */
export async function openComparison(
  options: OpenComparisonOptions,
): Promise<SealComparison & { close(): Promise<void> }> {
  const { folder, publicKey, kept = [] } = options
  const files = sealFilesOf(folder)
  const seals = await readSeals(files, publicKey)
  const last = seals.at(-1)
  const others = kept.map((note) => openCheckpoint(note, publicKey, last?.checkpoint.origin))
  const checkpoints = [...seals.map(({ checkpoint }) => checkpoint), ...others].sort((a, b) => a.size - b.size)
  if (checkpoints.length === 0)
    throw new AuditError('seal', `${files.folder} holds no seal: run \`holdfast audit seal\``)
  const found = last !== undefined && existsSync(files.leaves)
  const file = found ? await openLeavesFile(files.leaves, { create: false }) : undefined
  const count = Math.min((await file?.count()) ?? 0, last?.checkpoint.size ?? 0)
  const comparison = compareWithSeals({ checkpoints, leaves: file && { file, count } })
  return { ...comparison, close: async () => file?.close() }
}
