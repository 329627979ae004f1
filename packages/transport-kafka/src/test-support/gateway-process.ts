/**
 * A gateway as a process of its own, so that it can be stopped and woken. Dispatches ten commands, tells its parent when
 * all are durable, and by what they were resolved. It looks nothing up: only replies can tell it.
 */
import { createKafkaCommandTransport } from '../command-transport.ts'
import { attempt } from './commands.ts'

/** Sent to the parent. */
export type GatewayNews = { readonly kind: 'durable' } | { readonly kind: 'resolved'; readonly by: readonly string[] }

const [brokers = '', topicPrefix = ''] = process.argv.slice(2)
const tell = (news: GatewayNews) => process.send?.(news)

const by: string[] = []
const transport = createKafkaCommandTransport({
  brokers: brokers.split(','),
  topicPrefix,
  instanceId: 'paused-gateway',
  lookup: () => Promise.resolve(undefined),
  metrics: { resolved: (info) => by.push(info.by) },
})
await transport.started
const dispatches = Array.from({ length: 10 }, () => transport.dispatch(attempt()))
await Promise.all(dispatches.map((dispatch) => dispatch.durable()))
tell({ kind: 'durable' })
await Promise.all(dispatches.map(({ resolution }) => resolution))
tell({ kind: 'resolved', by })
