import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'

const magic = Buffer.from('HOLDFAST-STAND-1', 'latin1')
/** Length and checksum before each frame's body. */
export const frameHeaderBytes = 8
/** Larger than any append that the stand-in takes; a length beyond it is a torn or foreign file, not a frame. */
const maxFrameBytes = 64 * 1024 * 1024

const write = promisify(fs.write)
const fdatasync = promisify(fs.fdatasync)

/** An append-only file of checksummed frames with group commit: all frames that came while one sync ran share the next. */
export interface LogFile {
  /**
   * Takes a frame. `onDurable` is called, in order, once it is on the disk; never when the file was abandoned.
   * `body` receives the offset in the file at which it will stand.
   */
  append(body: Buffer, onDurable: () => void): void
  /** Offset at which the body of the next frame will stand. */
  nextBodyOffset(): number
  /** Bytes of the file, also of frames that are not written yet. */
  read(offset: number, length: number): Buffer
  /** Waits for what was taken, then closes. */
  close(): Promise<void>
  /** Closes at once and forgets what is not written, as a crash would. */
  abandon(): void
}

export interface OpenLogFileOptions {
  readonly path: string
  /** Called for each whole frame, in order, with the offset of its body. */
  readonly onFrame: (body: Buffer, offset: number) => void
  /** True leaves out fsync: fast, and an acknowledged append can be lost with the machine. */
  readonly unsafeNoSync: boolean
  /** A write or a sync failed: nothing later can be acknowledged. */
  readonly onFault: (error: Error) => void
}

/**
 * Opens or creates the file. A torn tail (the last frame cut short or not matching its checksum, as a crash leaves it)
 * is cut off: it was never acknowledged. A damaged frame in the middle ends the file there as well; this is a test part.
 */
export function openLogFile(options: OpenLogFileOptions): LogFile {
  const fd = fs.openSync(options.path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
  let end: number
  try {
    end = replay(fd, options)
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
  let writtenEnd = end
  let pending: Buffer[] = []
  let waiting: (() => void)[] = []
  let writing: Buffer[] = []
  let running: Promise<void> | undefined
  let closed = false

  async function flush(): Promise<void> {
    try {
      while (pending.length > 0 && !closed) {
        writing = pending
        const acknowledged = waiting
        pending = []
        waiting = []
        const block = writing.length === 1 ? writing[0] : Buffer.concat(writing)
        if (!block) return
        for (let at = 0; at < block.length;) {
          at += (await write(fd, block, at, block.length - at, writtenEnd + at)).bytesWritten
        }
        if (!options.unsafeNoSync) await fdatasync(fd)
        writtenEnd += block.length
        writing = []
        if (closed) return
        for (const callback of acknowledged) callback()
      }
    } catch (error) {
      if (!closed) options.onFault(error as Error)
    } finally {
      running = undefined
    }
  }

  return {
    append(body, onDurable) {
      const header = Buffer.allocUnsafe(frameHeaderBytes)
      header.writeUInt32LE(body.length, 0)
      header.writeUInt32LE(crc32(body), 4)
      pending.push(header, body)
      waiting.push(onDurable)
      end += frameHeaderBytes + body.length
      // A turn of the event loop first: what arrives in it shares the sync.
      running ??= new Promise<void>((resolve) => setImmediate(resolve)).then(flush)
    },
    nextBodyOffset: () => end + frameHeaderBytes,
    read(offset, length) {
      if (offset + length <= writtenEnd) {
        const buffer = Buffer.allocUnsafe(length)
        fs.readSync(fd, buffer, 0, length, offset)
        return buffer
      }
      const tail = Buffer.concat([...writing, ...pending])
      return tail.subarray(offset - writtenEnd, offset - writtenEnd + length)
    },
    async close() {
      while (running) await running
      if (closed) return
      closed = true
      fs.closeSync(fd)
    },
    abandon() {
      if (closed) return
      closed = true
      pending = []
      waiting = []
      const finish = (): void => {
        fs.closeSync(fd)
      }
      // The descriptor must outlive a write that the thread pool has begun.
      if (running) void running.then(finish)
      else finish()
    },
  }
}

/** Reads the frames, cuts off a torn tail, and returns the end of the file. */
function replay(fd: number, options: OpenLogFileOptions): number {
  const size = fs.fstatSync(fd).size
  const head = Buffer.alloc(magic.length)
  fs.readSync(fd, head, 0, magic.length, 0)
  if (size < magic.length) {
    fs.writeSync(fd, magic, 0, magic.length, 0)
    fs.ftruncateSync(fd, magic.length)
    fs.fsyncSync(fd)
    return magic.length
  }
  if (!head.equals(magic)) throw new Error(`${options.path} is not a file of the EventStoreDB stand-in`)
  let at = magic.length
  const header = Buffer.alloc(frameHeaderBytes)
  while (at + frameHeaderBytes <= size) {
    fs.readSync(fd, header, 0, frameHeaderBytes, at)
    const length = header.readUInt32LE(0)
    if (length === 0 || length > maxFrameBytes || at + frameHeaderBytes + length > size) break
    const body = Buffer.allocUnsafe(length)
    fs.readSync(fd, body, 0, length, at + frameHeaderBytes)
    if (crc32(body) !== header.readUInt32LE(4)) break
    options.onFrame(body, at + frameHeaderBytes)
    at += frameHeaderBytes + length
  }
  if (at < size) {
    fs.ftruncateSync(fd, at)
    fs.fsyncSync(fd)
  }
  return at
}
