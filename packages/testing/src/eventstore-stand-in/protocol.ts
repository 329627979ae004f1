/**
 * The protocol's messages and services, from the code that the client itself was built with. The client's package has
 * no `exports` map, so its generated files can be imported; they are CommonJS, hence the default imports.
 */
import type { UUID } from '@eventstore/db-client/generated/shared_pb.js'
import features from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import featuresMessages from '@eventstore/db-client/generated/serverfeatures_pb.js'
import gossip from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import gossipMessages from '@eventstore/db-client/generated/gossip_pb.js'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import status from '@eventstore/db-client/generated/status_pb.js'
import streams from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsMessages from '@eventstore/db-client/generated/streams_pb.js'

export const { StreamsService } = streams
export const { ServerFeaturesService } = features
export const { GossipService } = gossip
export const { SupportedMethod, SupportedMethods } = featuresMessages
export const { ClusterInfo, EndPoint, MemberInfo } = gossipMessages
export const { AllStreamPosition, Empty, StreamIdentifier, WrongExpectedVersion } = shared
export const { MaximumAppendSizeExceeded, StreamDeleted, Timeout, UUID: Uuid } = shared
export const { Status } = status
export const { AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteResp, ReadReq, ReadResp, TombstoneResp } =
  streamsMessages

/** 2^63 - 1: the revision of a tombstone. */
export const maxRevision = '9223372036854775807'
/** 2^64 - 1: what the protocol says for "no position". */
export const noPosition = '18446744073709551615'

export const streamIdentifier = (name: string): InstanceType<typeof StreamIdentifier> =>
  new StreamIdentifier().setStreamName(Buffer.from(name, 'utf8'))

export const streamNameOf = (identifier: { getStreamName_asU8(): Uint8Array } | undefined): string =>
  identifier ? Buffer.from(identifier.getStreamName_asU8()).toString('utf8') : ''

/** The text of a UUID, which travels as text or as two halves. */
export function uuidOf(uuid: UUID | undefined): string {
  const structured = uuid?.getStructured()
  if (!structured) return uuid?.getString() ?? ''
  const half = (bits: string): string => BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, '0')
  const hex = half(structured.getMostSignificantBits()) + half(structured.getLeastSignificantBits())
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

interface Serializable {
  serializeBinary(): Uint8Array
}

/**
 * A `google.rpc.Status` whose details hold `message`. The `Any` comes out of a parsed status (field 3, empty), for the
 * protobuf runtime is the client's dependency and not ours.
 */
export function rpcStatus(name: string, code: number, message: Serializable): InstanceType<typeof Status> {
  const result = Status.deserializeBinary(Uint8Array.of(0x1a, 0))
  result.getDetails()?.pack(message.serializeBinary(), `event_store.client.${name}`)
  // The codes of google.rpc are those of gRPC.
  return result.setMessage(name).setCode(code)
}

/** A status whose details say nothing, with a text: how the server answers a batch append that it did not handle. */
export const notHandledStatus = (text: string): InstanceType<typeof Status> => {
  const result = Status.deserializeBinary(Uint8Array.of(0x1a, 0))
  result.getDetails()?.pack(new Uint8Array(), 'google.protobuf.Empty')
  return result.setMessage(text)
}

/** Bytes of a WrongExpectedVersion whose current (field 2) and expected (fields 4 to 6) words are google's `Empty`. */
export function wrongExpectedVersion(
  actual: number,
  expected: number | 'no_stream' | 'any' | 'stream_exists',
): InstanceType<typeof WrongExpectedVersion> {
  const words = { any: 4, stream_exists: 5, no_stream: 6 }
  const fields: number[] = []
  if (actual < 0) fields.push((2 << 3) | 2, 0)
  if (typeof expected === 'string') fields.push((words[expected] << 3) | 2, 0)
  const message = WrongExpectedVersion.deserializeBinary(Uint8Array.from(fields))
  if (actual >= 0) message.setCurrentStreamRevision(String(actual))
  if (typeof expected === 'number') message.setExpectedStreamPosition(String(expected))
  return message
}
