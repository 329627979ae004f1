import { existsSync } from 'node:fs'
import type { KeyObject } from 'node:crypto'
import { AuditError } from '../audit-error.ts'
import type { History } from '../history.ts'
import { readRemovals } from '../removals.ts'
import { openCheckpoint } from './checkpoint.ts'
import { compareWithSeals, type SealComparison } from './compare.ts'
import { openLeavesFile } from './leaves-file.ts'
import { readSeals, sealFilesOf } from './seal-folder.ts'

export interface OpenComparisonOptions {
  readonly folder: string
  /** To be compared: what it says of removed events has a place in the tree. */
  readonly history: History
  readonly publicKey: KeyObject
  /** Signed checkpoints that were kept elsewhere: whoever changes data and seal folder does not have these. Default: none. */
  readonly kept?: readonly string[]
}

export interface OpenedComparison extends SealComparison {
  /** Signed checkpoints that it compares with. */
  readonly checkpoints: number
  close(): Promise<void>
}

/**
 * Opens a seal folder to compare a store with it.
 *
 * @throws AuditError `seal` (damaged, or there is neither a seal nor a kept checkpoint), `signature`
 */
export async function openComparison(options: OpenComparisonOptions): Promise<OpenedComparison> {
  const { folder, history, publicKey, kept = [] } = options
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
  const removals = await readRemovals(history)
  const comparison = compareWithSeals({ checkpoints, removals, leaves: file && { file, count } })
  return { ...comparison, checkpoints: checkpoints.length, close: async () => file?.close() }
}
