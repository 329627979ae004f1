import type { handleUnaryCall } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import type { Empty as EmptyMessage } from '@eventstore/db-client/generated/shared_pb.js'
import type { SupportedMethods as SupportedMethodsMessage } from '@eventstore/db-client/generated/serverfeatures_pb.js'
import type { ClusterInfo as ClusterInfoMessage } from '@eventstore/db-client/generated/gossip_pb.js'
import { ClusterInfo, EndPoint, MemberInfo, SupportedMethod, SupportedMethods, Uuid } from './protocol.ts'
import type { ServerContext } from './server-context.ts'
import { refusal } from './server-context.ts'

/** The version that the stand-in says it is: the first whose subscriptions say when they have caught up. */
const serverVersion = '24.10.0'

/** `ServerFeatures/GetSupportedMethods`; UNIMPLEMENTED, as before 21.10, makes the client append one call at a time. */
export const createSupportedMethods =
  (context: ServerContext): handleUnaryCall<EmptyMessage, SupportedMethodsMessage> =>
  (_call, callback) => {
    const fault = context.faults.take('features', '')
    if (fault?.kind === 'no-answer') return
    const error = fault && refusal(context, fault)
    if (error) {
      callback(error)
      return
    }
    if (!context.batchAppend) {
      callback({ code: status.UNIMPLEMENTED, details: '' })
      return
    }
    const methods = ['read', 'append', 'delete', 'tombstone', 'batchappend'].map((name) =>
      new SupportedMethod().setServiceName('event_store.client.streams.streams').setMethodName(name),
    )
    callback(null, new SupportedMethods().setEventStoreServerVersion(serverVersion).setMethodsList(methods))
  }

/** `Gossip/Read`: a cluster of this one node, which leads. Asked only by `esdb+discover://` and lists of hosts. */
export const createGossipRead =
  (context: ServerContext): handleUnaryCall<EmptyMessage, ClusterInfoMessage> =>
  (_call, callback) => {
    const { host, port } = context.endpoint()
    const member = new MemberInfo()
      .setInstanceId(new Uuid().setString('11111111-1111-4111-8111-111111111111'))
      .setTimeStamp(String(context.nowMs() * 10_000))
      .setState(MemberInfo.VNodeState.LEADER)
      .setIsAlive(true)
      .setHttpEndPoint(new EndPoint().setAddress(host).setPort(port))
    callback(null, new ClusterInfo().setMembersList([member]))
  }
