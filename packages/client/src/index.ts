/**
 * Calls a Holdfast API, and consumes its result events, in Node and in browsers.
 *
 * - `client.ts`: `createClient`, what a client can do
 * - `app-types.ts`: inputs, bodies and refusals from an application's type
 * - `options.ts`, `routes.ts`, `key.ts`: what a call is made of
 * - `send.ts`: a call, from its first attempt to its outcome; `attempt.ts`: one request; `judge.ts`: what its answer means;
 *   `backoff.ts`: pauses; `look-up.ts`: commands and keys; `outcome.ts`, `errors.ts`: how a call ends
 * - `results/`: result events as server-sent events; `kafka/`: from Kafka, behind `@holdfast/client/kafka`
 */
export type { ResultEvent, ResultOutcome } from '@holdfast/contracts'
export type { AppShape, CommandName, CommandShape, RouteRef, Routes } from './app-types.ts'
export type { Client, LookUpOptions, NamedClientOptions, SendOptions } from './client.ts'
export type { BackoffPolicy } from './backoff.ts'
export type { ProblemDocument, UnknownReason } from './errors.ts'
export type { ClientOptions, RetryNotice, RetryOptions } from './options.ts'
export type { Outcome, OutcomeFacts, Rejected, Succeeded } from './outcome.ts'
export type { ConsumeOptions } from './results/delivery.ts'
export type { ConsumeResultsOptions, ReconnectNotice } from './results/consume.ts'
export { createClient } from './client.ts'
export { HoldfastOutcomeUnknownError, HoldfastProblem } from './errors.ts'
export { newKey } from './key.ts'
export { routesOf } from './routes.ts'
