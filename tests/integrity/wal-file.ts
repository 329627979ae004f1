import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Path of the write-ahead log of an embedded store. */
export const walOf = (dataDir: string): string => join(dataDir, 'events.sqlite-wal')

export const walBytes = async (dataDir: string): Promise<number> => (await stat(walOf(dataDir))).size

const headerBytes = 32
const frameHeaderBytes = 24

/** The frames of a log up to its last commit. */
export interface WalFrames {
  /** Offset behind the last frame that ends a transaction. */
  readonly committedBytes: number
  /** Header and page. */
  readonly frameBytes: number
}

/**
 * Reads where the last committed transaction ends (https://www.sqlite.org/fileformat2.html#walformat): frames whose salt
 * is that of the header, up to the last one that gives the size of the database, which is what marks a commit.
 */
export async function readWalFrames(dataDir: string): Promise<WalFrames> {
  const wal = await readFile(walOf(dataDir))
  const frameBytes = frameHeaderBytes + wal.readUInt32BE(8)
  const salt = wal.subarray(16, 24)
  let committedBytes = headerBytes
  for (let at = headerBytes; at + frameBytes <= wal.length; at += frameBytes) {
    if (!wal.subarray(at + 8, at + 16).equals(salt)) break
    if (wal.readUInt32BE(at + 4) !== 0) committedBytes = at + frameBytes
  }
  return { committedBytes, frameBytes }
}
