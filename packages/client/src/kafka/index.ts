/**
 * Consumes results from Kafka, for services of the distributed runtime. KafkaJS is the caller's: nothing of it is loaded
 * here but types.
 *
 * - `consume.ts`: a member of a consumer group that commits behind what was handled
 * - `decode-result.ts`: from a message to a result
 */
export type { ResultEvent, ResultOutcome } from '@holdfast/contracts'
export type { ConsumeOptions } from '../results/delivery.ts'
export type { KafkaConsumeOptions } from './consume.ts'
export { consumeResults, results } from './consume.ts'
export { decodeResult } from './decode-result.ts'
