import { AuditError } from '../audit-error.ts'
import { digestBytes } from '../merkle/hashing.ts'
import type { Digest } from '../merkle/hashing.ts'
import { openNote, signNote } from './signed-note.ts'
import type { KeyObject } from 'node:crypto'

/** The head of the tree at a moment: it stands for every event up to it, and for their order. */
export interface Checkpoint {
  /** Name of the log. */
  readonly origin: string
  /** Events in the tree. */
  readonly size: number
  readonly root: Digest
  /** Global position of the last event; 0 for none. */
  readonly position: bigint
  /** When it was sealed, by the sealer's clock, RFC 3339. */
  readonly sealedAt: string
}

const decimal = /^(0|[1-9][0-9]{0,18})$/
const base64 = /^[A-Za-z0-9+/]{43}=$/
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/**
 * A signed checkpoint as text: origin, size, root, and as extension lines the position and the time.
 *
 * @see https://c2sp.org/tlog-checkpoint
 */
export function signCheckpoint(checkpoint: Checkpoint, key: KeyObject): string {
  return signNote(textOf(checkpoint), { name: checkpoint.origin, key })
}

/**
 * Reads a checkpoint and checks its signature. The log's name is the one that stands in it unless `origin` says which it
 * must be.
 *
 * @throws AuditError `signature`
 */
export function openCheckpoint(note: string, key: KeyObject, origin?: string): Checkpoint {
  const claimed = note.slice(0, note.indexOf('\n'))
  if (origin !== undefined && claimed !== origin) {
    throw new AuditError('signature', `the checkpoint is of the log "${claimed}", and that of "${origin}" is expected`)
  }
  const text = openNote(note, { name: claimed, key })
  const [name, size, root, position, sealedAt, ...more] = text.slice(0, -1).split('\n')
  const [, lastPosition] = /^position (\S+)$/.exec(position ?? '') ?? []
  const [, time] = /^time (\S+)$/.exec(sealedAt ?? '') ?? []
  if (
    name === undefined ||
    root === undefined ||
    more.length > 0 ||
    !decimal.test(size ?? '') ||
    !base64.test(root) ||
    !decimal.test(lastPosition ?? '') ||
    !instant.test(time ?? '') ||
    !Number.isSafeInteger(Number(size))
  ) {
    throw new AuditError('signature', 'the signed text is no checkpoint of Holdfast')
  }
  return {
    origin: name,
    size: Number(size),
    root: digestOf(root),
    position: BigInt(lastPosition ?? 0),
    sealedAt: time ?? '',
  }
}

const textOf = ({ origin, size, root, position, sealedAt }: Checkpoint): string =>
  `${origin}\n${size}\n${base64Of(root)}\nposition ${position}\ntime ${sealedAt}\n`

export const base64Of = (digest: Digest): string => Buffer.from(digest).toString('base64')

/** @throws AuditError `proof` when it is no hash in base64 */
export function digestOf(text: unknown): Digest {
  if (typeof text !== 'string' || !base64.test(text)) throw new AuditError('proof', 'a hash is missing or malformed')
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== digestBytes || base64Of(bytes) !== text)
    throw new AuditError('proof', 'a hash is missing or malformed')
  return bytes
}
