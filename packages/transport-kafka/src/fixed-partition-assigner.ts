import kafkajs from 'kafkajs'
import type { PartitionAssigner } from 'kafkajs'

const version = 1

/**
 * Gives one partition of one topic to the member, for KafkaJS has no manual assignment: the group has a single member,
 * and its assigner knows the answer.
 */
export function fixedPartitionAssigner(topic: string, partition: number): PartitionAssigner {
  const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol
  const userData = Buffer.alloc(0)
  return () => ({
    name: 'HoldfastFixedPartition',
    version,
    assign: ({ members }) =>
      Promise.resolve(
        members.map(({ memberId }) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({ version, assignment: { [topic]: [partition] }, userData }),
        })),
      ),
    protocol: ({ topics }) => ({
      name: 'HoldfastFixedPartition',
      metadata: MemberMetadata.encode({ version, topics, userData }),
    }),
  })
}
