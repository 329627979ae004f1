import type { AllStreamSubscription, Filter, Position } from '@eventstore/db-client'
import { eventTypeFilter, streamNameFilter } from '@eventstore/db-client'
import type { RecordedEvent, SubscribeOptions } from '@holdfast/core'
import { foreignToUs, isOwnStream } from './own-streams.ts'

/** So many windows of records are looked at between two checkpoints. */
const windowsPerCheckpoint = 10

export interface FilterParts {
  readonly maxSearchWindow: number
  readonly onCheckpoint: (position: Position) => void
}

/**
 * What the server filters by: it takes stream names or event types, not both. {@link matcherOf} looks at the rest, and
 * again at this, for the server's prefixes are not ours to define (a type is meant whole, a name to the letter).
 */
export function serverFilter(wanted: Pick<SubscribeOptions, 'prefix' | 'types'>, parts: FilterParts): Filter {
  const common = {
    maxSearchWindow: parts.maxSearchWindow,
    checkpointInterval: windowsPerCheckpoint,
    // Must not throw: it runs inside the client's stream, where that becomes an unhandled rejection.
    checkpointReached: (_subscription: AllStreamSubscription, position: Position): void => {
      parts.onCheckpoint(position)
    },
  }
  // Types first: whoever names some wants few of the events that the streams hold, and each that is sent has to be decoded.
  if (wanted.types && wanted.types.length > 0) return eventTypeFilter({ prefixes: [...wanted.types], ...common })
  if (wanted.prefix !== '') return streamNameFilter({ prefixes: [wanted.prefix], ...common })
  return streamNameFilter({ regex: foreignToUs, ...common })
}

export function matcherOf({
  prefix,
  types,
}: Pick<SubscribeOptions, 'prefix' | 'types'>): (event: RecordedEvent) => boolean {
  const wanted = types && new Set(types)
  return ({ stream, type }) =>
    (prefix === '' ? !isOwnStream(stream) : stream.startsWith(prefix)) && (!wanted || wanted.has(type))
}
