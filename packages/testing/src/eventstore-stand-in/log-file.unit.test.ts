import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LogFile } from './log-file.ts'
import { openLogFile } from './log-file.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'holdfast-log-'))
  file = path.join(folder, 'events.log')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function open(): { readonly log: LogFile; readonly frames: string[] } {
  const frames: string[] = []
  const log = openLogFile({
    path: file,
    unsafeNoSync: false,
    onFrame: (body) => frames.push(body.toString('utf8')),
    onFault: (error) => {
      throw error
    },
  })
  return { log, frames }
}

const append = (log: LogFile, text: string): Promise<void> =>
  new Promise((resolve) => {
    log.append(Buffer.from(text, 'utf8'), resolve)
  })

async function written(...texts: string[]): Promise<void> {
  const { log } = open()
  await Promise.all(texts.map((text) => append(log, text)))
  await log.close()
}

describe('the log file', () => {
  test('gives back its frames in order after it was opened again', async () => {
    await written('one', 'two')
    await written('three')
    expect(open().frames).toEqual(['one', 'two', 'three'])
  })

  test('acknowledges in order, and only what is in the file', async () => {
    const { log } = open()
    const order: string[] = []
    const texts = Array.from({ length: 50 }, (_, n) => `frame ${n}`)
    await Promise.all(
      texts.map((text) =>
        append(log, text).then(() => {
          order.push(text)
          expect(readFileSync(file).includes(text)).toBe(true)
        }),
      ),
    )
    expect(order).toEqual(texts)
    await log.close()
  })

  test('reads what is not written yet', async () => {
    const { log } = open()
    const offset = log.nextBodyOffset()
    const durable = append(log, 'pending')
    expect(log.read(offset, 7).toString()).toBe('pending')
    await durable
    expect(log.read(offset, 7).toString()).toBe('pending')
    await log.close()
  })

  test.each([1, 5, 11])('cuts off a tail that is torn %d bytes before its end, and goes on', async (bytes) => {
    await written('one', 'two', 'three')
    truncateSync(file, statSync(file).size - bytes)
    const { log, frames } = open()
    expect(frames).toEqual(['one', 'two'])
    await append(log, 'four')
    await log.close()
    expect(open().frames).toEqual(['one', 'two', 'four'])
  })

  test('cuts off a last frame whose checksum is wrong', async () => {
    await written('one', 'two')
    const bytes = readFileSync(file)
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    writeFileSync(file, bytes)
    expect(open().frames).toEqual(['one'])
  })

  test('cuts off rubbish after the last frame', async () => {
    await written('one')
    appendFileSync(file, Buffer.from('0000000000000000000000'))
    expect(open().frames).toEqual(['one'])
  })

  test('refuses a file that is not its own', () => {
    writeFileSync(file, 'something else altogether, and longer than the magic')
    expect(() => open()).toThrow(/not a file of the EventStoreDB stand-in/)
  })

  test('abandoned, it acknowledges nothing more', async () => {
    const { log } = open()
    await append(log, 'one')
    let acknowledged = false
    void append(log, 'two').then(() => (acknowledged = true))
    log.abandon()
    await new Promise((resolve) => setImmediate(resolve))
    expect(acknowledged).toBe(false)
    expect(open().frames[0]).toBe('one')
  })
})
