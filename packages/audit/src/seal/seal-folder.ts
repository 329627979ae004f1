import { mkdir, open, readFile, unlink } from 'node:fs/promises'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { join, resolve } from 'node:path'
import { AuditError } from '../audit-error.ts'
import { isConsistent } from '../merkle/check-proofs.ts'
import { emptyRoot, sameDigest, type Digest } from '../merkle/hashing.ts'
import { growTree, type GrowingTree } from '../merkle/tree.ts'
import { base64Of, digestOf, openCheckpoint, type Checkpoint } from './checkpoint.ts'

/** A line of `seal.jsonl`. */
export interface Seal {
  /** What the signed text says. */
  readonly checkpoint: Checkpoint
  /** The signed text. */
  readonly note: string
  /** Proves that the tree of the seal before is the beginning of this one. */
  readonly consistency: readonly Digest[]
  /** What the tree is made of, so that it can grow on without its leaves. They make up the root, so they need no signature. */
  readonly peaks: readonly Digest[]
}

export interface SealFiles {
  readonly folder: string
  /** A line of JSON for each seal. Small, and all that a proof of tampering needs: keep a copy elsewhere. */
  readonly seals: string
  /** The leaves' hashes, to name the event that was tampered with. */
  readonly leaves: string
  readonly lock: string
}

export function sealFilesOf(folder: string): SealFiles {
  const absolute = resolve(folder)
  return {
    folder: absolute,
    seals: join(absolute, 'seal.jsonl'),
    leaves: join(absolute, 'leaves.bin'),
    lock: join(absolute, 'seal.lock'),
  }
}

/**
 * The seals of a folder, each with its signature checked, and each proved to be the continuation of the one before.
 *
 * @throws AuditError `seal`, `signature`
 */
export async function readSeals(files: SealFiles, key: KeyObject): Promise<readonly Seal[]> {
  const text = await readFile(files.seals, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new AuditError('seal', `${files.seals} cannot be read: ${error.message}`, { cause: error })
  })
  const seals: Seal[] = []
  // What has no end is a line that was being written when the process died; nothing was promised about it.
  for (const [at, line] of text.split('\n').slice(0, -1).entries()) {
    const fail = (reason: string, cause?: unknown): never => {
      throw new AuditError('seal', `${files.seals}, line ${at + 1}: ${reason}`, { cause })
    }
    let seal: Seal
    try {
      seal = parseSeal(line, key, seals.at(0)?.checkpoint.origin)
    } catch (error) {
      return fail(error instanceof Error ? error.message : String(error), error)
    }
    const before = seals.at(-1)?.checkpoint ?? { size: 0, root: emptyRoot, position: 0n }
    const { checkpoint: later, consistency } = seal
    if (!isConsistent({ earlier: before, later, path: consistency })) {
      fail('it does not continue the seal before it: the log was rewritten, or lines are missing')
    }
    if (later.position < before.position) fail('its position lies before that of the seal before it')
    seals.push(seal)
  }
  return seals
}

function parseSeal(line: string, key: KeyObject, origin: string | undefined): Seal {
  const json = JSON.parse(line) as Readonly<Record<string, unknown>>
  if (json['v'] !== 1) throw new AuditError('seal', 'it has a version that is not known')
  const note = json['checkpoint']
  if (typeof note !== 'string') throw new AuditError('seal', 'it has no checkpoint')
  const checkpoint = openCheckpoint(note, publicKeyOf(key), origin)
  const [consistency, peaks] = [digestsOf(json['consistency']), digestsOf(json['peaks'])]
  if (!sameDigest(growTree({ size: checkpoint.size, peaks }).root(), checkpoint.root)) {
    throw new AuditError('seal', 'its peaks are not those of its root')
  }
  return { checkpoint, note, consistency, peaks }
}

const publicKeyOf = (key: KeyObject): KeyObject => (key.type === 'private' ? createPublicKey(key) : key)

function digestsOf(value: unknown): readonly Digest[] {
  if (!Array.isArray(value)) throw new AuditError('seal', 'a list of hashes is missing')
  return value.map(digestOf)
}

/** The tree of a seal, to grow on from. */
export const treeOf = ({ checkpoint, peaks }: Seal): GrowingTree => growTree({ size: checkpoint.size, peaks })

/** Appends a seal, durably. */
export async function appendSeal(files: SealFiles, seal: Seal, before: number): Promise<void> {
  const { note, consistency, peaks } = seal
  const line = { v: 1, checkpoint: note, consistency: consistency.map(base64Of), peaks: peaks.map(base64Of) }
  const file = await open(files.seals, 'a+')
  try {
    // A line that was cut off by a crash goes, so that this one begins at the start of a line.
    const whole = (await readFile(files.seals, 'utf8')).split('\n').slice(0, before)
    await file.truncate(Buffer.byteLength(whole.map((text) => `${text}\n`).join('')))
    await file.appendFile(`${JSON.stringify(line)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(files.folder)
}

/** Runs while no other process seals into the folder. @throws AuditError `seal` when one does, or was killed while it did */
export async function whileLocked<T>(files: SealFiles, work: () => Promise<T>): Promise<T> {
  await mkdir(files.folder, { recursive: true })
  const lock = await open(files.lock, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw new AuditError('seal', `${files.lock} cannot be made: ${error.message}`)
    throw new AuditError(
      'seal',
      `${files.lock} is there: another process seals. If none does any more, delete that file`,
    )
  })
  try {
    await lock.writeFile(`${process.pid}\n`)
    return await work()
  } finally {
    await lock.close()
    await unlink(files.lock)
  }
}

/** Makes the names in a folder durable. Windows cannot open a folder, and needs no such sync. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
