import type { KeyObject } from 'node:crypto'
import { commandIdOf, streamOf, type IdempotencyKey, type Tenant } from '@holdfast/core'
import { AuditError } from '../audit-error.ts'
import type { History, StoredEvent } from '../history.ts'
import { eventLeaf } from '../merkle/event-leaf.ts'
import { sameDigest } from '../merkle/hashing.ts'
import { collectPaths, inclusionPath } from '../merkle/paths.ts'
import { base64Of } from './checkpoint.ts'
import { openLeavesFile, type LeavesFile } from './leaves-file.ts'
import { readSeals, sealFilesOf } from './seal-folder.ts'

/** A proof as it is written to a file: all that is needed to check it besides the public key. */
export interface ProofDocument {
  readonly v: 1
  readonly kind: 'holdfast-proof'
  readonly tenant: string
  readonly key: string
  /** The signed checkpoint that the paths lead to. */
  readonly checkpoint: string
  readonly events: readonly ProvenEvent[]
}

export interface ProvenEvent {
  /** Number of the leaf: how many events stand before it. */
  readonly index: number
  readonly position: string
  readonly stream: string
  readonly revision: string
  readonly recordedAtMs: number
  readonly id: string
  readonly type: string
  /** The JSON text, byte for byte. */
  readonly data: string
  readonly metadata: string
  /** Hashes from the leaf to the root, base64. */
  readonly path: readonly string[]
}

export interface ProveOptions {
  readonly history: History
  readonly folder: string
  readonly publicKey: KeyObject
  readonly tenant: Tenant
  readonly key: IdempotencyKey
}

/**
 * Proves that the events of a key stand in the log as it was sealed last.
 *
 * @throws AuditError `not-sealed` (the key has no events, or none of them is sealed yet), `tampered` (an event is not what
 *   was sealed), `seal`, `signature`; EventStoreError
 */
export async function proveKey({ history, folder, publicKey, tenant, key }: ProveOptions): Promise<ProofDocument> {
  const files = sealFilesOf(folder)
  const last = (await readSeals(files, publicKey)).at(-1)
  if (last === undefined)
    throw new AuditError('not-sealed', `${files.folder} holds no seal: run \`holdfast audit seal\``)
  const { size, root, position: sealedUpTo } = last.checkpoint
  const events = await history.streamEvents(streamOf(commandIdOf(tenant, key)))
  if (events.length === 0) throw new AuditError('not-sealed', `the tenant "${tenant}" has no command under this key`)
  const sealed = events.filter(({ position }) => position <= sealedUpTo)
  if (sealed.length === 0) {
    throw new AuditError('not-sealed', 'the key was used after the last seal: run `holdfast audit seal`')
  }
  const leaves = await openLeavesFile(files.leaves, { create: false })
  try {
    const indexes = await Promise.all(sealed.map((event) => indexOf(event, leaves, size)))
    const paths = indexes.map((index) => inclusionPath(index, size))
    const collector = collectPaths(paths)
    for await (const block of leaves.read(0, size)) for (const { hash } of block) collector.tree.append(hash)
    if (!sameDigest(collector.tree.root(), root)) {
      throw new AuditError(
        'seal',
        `${files.leaves} does not make up the sealed root: it is damaged. Delete it, and seal again`,
      )
    }
    return {
      v: 1,
      kind: 'holdfast-proof',
      tenant,
      key,
      checkpoint: last.note,
      events: sealed.map((event, at) => ({
        ...asText(event),
        index: indexes[at] ?? 0,
        path: collector.hashes(paths[at] ?? []).map(base64Of),
      })),
    }
  } finally {
    await leaves.close()
  }
}

/** Where the event was sealed, as it is. */
async function indexOf(event: StoredEvent, leaves: LeavesFile, size: number): Promise<number> {
  const index = await leaves.find(event.position, size)
  if (index !== undefined) {
    for await (const [leaf] of leaves.read(index, index + 1)) {
      if (leaf !== undefined && sameDigest(leaf.hash, eventLeaf(event))) return index
    }
  }
  const { stream, revision, position } = event
  throw new AuditError('tampered', `event ${revision} of ${stream}, at position ${position}, is not what was sealed`)
}

function asText(event: StoredEvent): Omit<ProvenEvent, 'index' | 'path'> {
  const { position, stream, revision, recordedAtMs, id, type, data, metadata } = event
  return {
    position: String(position),
    stream,
    revision: String(revision),
    recordedAtMs,
    id,
    type,
    data: Buffer.from(data).toString('utf8'),
    metadata: Buffer.from(metadata).toString('utf8'),
  }
}
