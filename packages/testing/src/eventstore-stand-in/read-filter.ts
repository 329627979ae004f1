import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js'
import type { Entry } from './stream-state.ts'

/** A filter of `$all`: by stream name or by event type, prefixes or a regular expression (JavaScript's, not .NET's). */
export type EntryFilter = (entry: Entry) => boolean

export function createEntryFilter(options: ReadReq.Options.FilterOptions | undefined): EntryFilter | undefined {
  const byStream = options?.getStreamIdentifier()
  const expression = byStream ?? options?.getEventType()
  if (!expression) return undefined
  const text: (entry: Entry) => string = byStream ? (entry) => entry.stream.name : (entry) => entry.type
  const source = expression.getRegex()
  if (source !== '') {
    const pattern = new RegExp(source, 'u')
    return (entry) => pattern.test(text(entry))
  }
  const prefixes = expression.getPrefixList()
  return (entry) => prefixes.some((prefix) => text(entry).startsWith(prefix))
}
