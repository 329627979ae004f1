/** What a frame of the log holds. */
export type Frame =
  | {
      readonly kind: 'events'
      readonly stream: string
      readonly createdMs: number
      /** Revision of the first event; `tombstoneRevision` for the one event that ends a stream for ever. */
      readonly firstRevision: number
      readonly events: readonly FrameEvent[]
    }
  /** The events of these streams below these revisions are gone. */
  | { readonly kind: 'scavenge'; readonly streams: readonly { readonly stream: string; readonly below: number }[] }

export interface FrameEvent {
  readonly id: string
  readonly type: string
  readonly isJson: boolean
  readonly data: Uint8Array
  readonly metadata: Uint8Array
}

/** Where an event stands in the body of its frame. */
export interface EventPlace {
  /** Offset of the event in the body. */
  readonly at: number
  /** Offset of what follows it. */
  readonly end: number
}

/** Stands for the server's revision of a tombstone, 2^63 - 1, which no number holds exactly. */
export const tombstoneRevision = Number.MAX_SAFE_INTEGER

const kindEvents = 1
const kindScavenge = 2

/** Writes a frame's body, and says where each of its events stands. */
export function encodeFrame(frame: Frame): { readonly body: Buffer; readonly places: readonly EventPlace[] } {
  if (frame.kind === 'scavenge') {
    const json = Buffer.from(JSON.stringify(frame.streams), 'utf8')
    return { body: Buffer.concat([Buffer.of(kindScavenge), json]), places: [] }
  }
  const name = Buffer.from(frame.stream, 'utf8')
  const types = frame.events.map((event) => Buffer.from(event.type, 'utf8'))
  let size = 1 + 8 + 8 + 4 + 4 + name.length
  for (const [index, event] of frame.events.entries()) size += eventBytes(event, types[index]?.length ?? 0)
  const body = Buffer.allocUnsafe(size)
  let at = body.writeUInt8(kindEvents, 0)
  at = body.writeDoubleLE(frame.createdMs, at)
  at = body.writeDoubleLE(frame.firstRevision, at)
  at = body.writeUInt32LE(frame.events.length, at)
  at = body.writeUInt32LE(name.length, at)
  at += name.copy(body, at)
  const places = frame.events.map((event, index) => {
    const start = at
    const type = types[index] ?? Buffer.alloc(0)
    at = body.writeUInt8(event.isJson ? 1 : 0, at)
    at = body.writeUInt8(event.id.length, at)
    at += body.write(event.id, at, 'latin1')
    at = body.writeUInt32LE(type.length, at)
    at += type.copy(body, at)
    at = body.writeUInt32LE(event.metadata.length, at)
    body.set(event.metadata, at)
    at = body.writeUInt32LE(event.data.length, at + event.metadata.length)
    body.set(event.data, at)
    at += event.data.length
    return { at: start, end: at }
  })
  return { body, places }
}

const eventBytes = (event: FrameEvent, typeBytes: number): number =>
  1 + 1 + event.id.length + 4 + typeBytes + 4 + event.metadata.length + 4 + event.data.length

/** Reads a frame's body back. */
export function decodeFrame(body: Buffer): { readonly frame: Frame; readonly places: readonly EventPlace[] } {
  if (body.readUInt8(0) === kindScavenge) {
    const streams = JSON.parse(body.toString('utf8', 1)) as { stream: string; below: number }[]
    return { frame: { kind: 'scavenge', streams }, places: [] }
  }
  const createdMs = body.readDoubleLE(1)
  const firstRevision = body.readDoubleLE(9)
  const count = body.readUInt32LE(17)
  const nameEnd = 25 + body.readUInt32LE(21)
  const stream = body.toString('utf8', 25, nameEnd)
  const events: FrameEvent[] = []
  const places: EventPlace[] = []
  let at = nameEnd
  for (let index = 0; index < count; index += 1) {
    const { event, end } = decodeEvent(body, at)
    events.push(event)
    places.push({ at, end })
    at = end
  }
  return { frame: { kind: 'events', stream, createdMs, firstRevision, events }, places }
}

/** Reads one event at an offset, from a frame's body or from a slice that begins with the event. */
export function decodeEvent(bytes: Buffer, start: number): { readonly event: FrameEvent; readonly end: number } {
  const isJson = bytes.readUInt8(start) === 1
  const idEnd = start + 2 + bytes.readUInt8(start + 1)
  const id = bytes.toString('latin1', start + 2, idEnd)
  const typeEnd = idEnd + 4 + bytes.readUInt32LE(idEnd)
  const type = bytes.toString('utf8', idEnd + 4, typeEnd)
  const metadataEnd = typeEnd + 4 + bytes.readUInt32LE(typeEnd)
  const metadata = bytes.subarray(typeEnd + 4, metadataEnd)
  const end = metadataEnd + 4 + bytes.readUInt32LE(metadataEnd)
  const data = bytes.subarray(metadataEnd + 4, end)
  return { event: { id, type, isJson, data, metadata }, end }
}
