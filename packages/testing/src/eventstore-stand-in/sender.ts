import type { ReadReq as ReadRequest, ReadResp as ReadResponse } from '@eventstore/db-client/generated/streams_pb.js'
import type { ServerWritableStream } from '@grpc/grpc-js'

export type ReadCall = ServerWritableStream<ReadRequest, ReadResponse>

/** Writes to a call no faster than its reader takes. */
export interface Sender {
  /** False once the reader has gone: stop. */
  send(response: ReadResponse): Promise<boolean>
  open(): boolean
  /** Resolves when the reader has gone. */
  readonly gone: Promise<void>
}

export function createSender(call: ReadCall): Sender {
  let open = true
  let leave = (): void => undefined
  const gone = new Promise<void>((resolve) => {
    leave = resolve
  })
  let drained = (): void => undefined
  const close = (): void => {
    open = false
    leave()
    drained()
  }
  call.on('cancelled', close)
  call.on('close', close)
  call.on('error', close)
  call.on('drain', () => {
    drained()
  })
  return {
    gone,
    open: () => open,
    async send(response) {
      if (!open) return false
      if (call.write(response)) return true
      await new Promise<void>((resolve) => {
        drained = resolve
      })
      return open
    },
  }
}
