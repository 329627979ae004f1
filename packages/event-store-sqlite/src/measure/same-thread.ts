import type { AppendResult } from '@holdfast/core'
import { openWriter } from '../connections.ts'
import { createGroupWriter } from '../group-writer.ts'
import { prepareAppend } from '../prepare-append.ts'
import { addAppend, createGroup, resolveGroup } from '../write-group.ts'
import type { Append } from './appenders.ts'

/** The alternative that is measured against: the same group commit on the calling thread, which the sync blocks. */
export function openSameThread(path: string): { readonly append: Append; readonly close: () => void } {
  const writer = createGroupWriter(openWriter(path))
  let open = createGroup()
  const flush = (): void => {
    const group = open
    open = createGroup()
    resolveGroup(group, { results: writer.write([{ ...group.group, atMs: Date.now() }]).results, at: 0 })
  }
  return {
    append: (stream, events, expected) =>
      new Promise<AppendResult>((resolve, reject) => {
        if (open.appends.length === 0) setImmediate(flush)
        addAppend(open, prepareAppend({ stream, events, expected }, 4 * 1024 * 1024), { resolve, reject })
      }),
    close: () => {
      writer.close()
    },
  }
}
