import { open, type FileHandle } from 'node:fs/promises'
import { AuditError } from '../audit-error.ts'
import { digestBytes } from '../merkle/hashing.ts'
import type { Digest } from '../merkle/hashing.ts'

/** A sealed event: where it stood, and its leaf's hash. */
export interface SealedLeaf {
  readonly position: bigint
  readonly hash: Digest
}

const positionBytes = 8
/** 40 bytes an event. */
const leafBytes = positionBytes + digestBytes
const blockLeaves = 4 * 1024

/**
 * The leaves that were sealed, one record of 40 bytes after the other: the position (64 bits, the highest byte first) and
 * the hash. They say which event has changed; the signed root says whether they are right.
 */
export interface LeavesFile {
  /** Whole records in the file. */
  count(): Promise<number>
  /** In blocks, from `start` to before `end`. */
  read(start: number, end: number): AsyncIterable<readonly SealedLeaf[]>
  /** Writes behind the first `count` records, over what stands there, durably. */
  writeBehind(count: number, leaves: AsyncIterable<readonly SealedLeaf[]>): Promise<void>
  /** The index of the leaf of a position among the first `count`; undefined when there is none. */
  find(position: bigint, count: number): Promise<number | undefined>
  close(): Promise<void>
}

/** @throws AuditError `seal` when it cannot be opened; made when `create` */
export async function openLeavesFile(path: string, { create }: { readonly create: boolean }): Promise<LeavesFile> {
  const file = await openFile(path, create)

  async function readBlock(start: number, count: number): Promise<readonly SealedLeaf[]> {
    const bytes = Buffer.alloc(count * leafBytes)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start * leafBytes)
    if (bytesRead < bytes.length) throw new AuditError('seal', `${path} ends before leaf ${start + count}`)
    return Array.from({ length: count }, (_, at) => ({
      position: bytes.readBigInt64BE(at * leafBytes),
      hash: bytes.subarray(at * leafBytes + positionBytes, (at + 1) * leafBytes),
    }))
  }

  return {
    count: async () => Math.floor((await file.stat()).size / leafBytes),
    read: async function* (start, end) {
      for (let at = start; at < end; at += blockLeaves) yield await readBlock(at, Math.min(blockLeaves, end - at))
    },
    writeBehind: async (count, leaves) => {
      // What stands behind was never signed for: a seal that did not come to its end.
      await file.truncate(count * leafBytes)
      let at = count * leafBytes
      for await (const block of leaves) {
        const bytes = Buffer.concat(block.map(recordOf))
        await file.write(bytes, 0, bytes.length, at)
        at += bytes.length
      }
      await file.sync()
    },
    find: async (position, count) => {
      let [low, high] = [0, count]
      while (low < high) {
        const middle = Math.floor((low + high) / 2)
        const [leaf] = await readBlock(middle, 1)
        if (leaf?.position === position) return middle
        if (leaf !== undefined && leaf.position < position) low = middle + 1
        else high = middle
      }
      return undefined
    },
    close: () => file.close(),
  }
}

async function openFile(path: string, create: boolean): Promise<FileHandle> {
  try {
    return await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && create) return open(path, 'wx+')
      if ((error.code === 'EACCES' || error.code === 'EROFS') && !create) return open(path, 'r')
      throw error
    })
  } catch (error) {
    throw new AuditError('seal', `${path} cannot be opened: ${(error as Error).message}`, { cause: error })
  }
}

function recordOf({ position, hash }: SealedLeaf): Buffer {
  const record = Buffer.alloc(leafBytes)
  record.writeBigInt64BE(position)
  record.set(hash, positionBytes)
  return record
}
