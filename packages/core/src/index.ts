export type { Jsonify, JsonObject, JsonValue } from './json.ts'
export type { CommandId, Fingerprint, IdempotencyKey, StreamName, Tenant } from './brands.ts'
export type { KeyParseResult } from './key.ts'
export type { CommandEnvelope } from './envelope.ts'
export type {
  AppendResult,
  EventBatch,
  EventStore,
  EventStoreErrorCode,
  ExpectedRevision,
  NewEvent,
  ReadOptions,
  LastRecord,
  RecordedEvent,
  SubscribeOptions,
} from './ports/event-store.ts'
export type {
  BuildStatus,
  ClaimRequest,
  ClaimResult,
  CommitResult,
  DocumentChange,
  DocumentId,
  DocumentPage,
  DocumentsRead,
  ListQuery,
  ProjectionBuild,
  ProjectionClaim,
  ProjectionCommit,
  ProjectionFailure,
  ReadSelector,
  ReadStore,
  ReadStoreErrorCode,
  SnapshotInfo,
} from './ports/read-store.ts'
export type { CommandTransport, Dispatch, Resolution } from './ports/command-transport.ts'
export type { Checkpoints, Clock, Ids } from './ports/clock.ts'
export type {
  AttemptFailedData,
  KeyEventMetadata,
  OutcomeKind,
  OutcomeRecord,
  RecordedEnvelope,
  StoredResponse,
} from './key-state/events.ts'
export { commandIdOf, commandIdOfStream, commandStreamPrefix, parseCommandId, parseTenant, streamOf } from './brands.ts'
export { maxKeyLength, parseIdempotencyKey, uriKey } from './key.ts'
export { canonicalJson } from './canonical-json.ts'
export { fingerprintOf } from './fingerprint.ts'
export { EventStoreError } from './ports/event-store.ts'
export { ReadStoreError } from './ports/read-store.ts'
export { TransportError } from './ports/command-transport.ts'
export { keyEventTypes } from './key-state/events.ts'
export type { App, AppSpec, Seed } from './app.ts'
export type { CommandContext } from './command/context.ts'
export type { Command, CommandSpec, DomainEvent, HttpMethod, Route } from './command/define-command.ts'
export type { RetryPolicy } from './command/retry-policy.ts'
export type { Step, StepOptions, StepRun } from './command/step.ts'
export type { Refusal, RefusalEntry } from './command/refusal.ts'
export type { CommandResponse } from './command/response.ts'
export type { Answer } from './gateway/answer.ts'
export type { CommandGatewayOptions, CommandRequest, KeyLookup } from './gateway/command-gateway.ts'
export type { CommandHandlerOptions } from './handler/command-handler.ts'
export type { HandlerObserver } from './handler/generation.ts'
export type { Recovered, RecoverOptions } from './handler/recover.ts'
export type { KeyDecision, KeyPolicy } from './key-state/decide.ts'
export type { Accepted, KeyState, Resolved, Vacant } from './key-state/state.ts'
export type { JsonParseResult } from './strict-json.ts'
export { defineApp, isApp } from './app.ts'
export { defineCommand } from './command/define-command.ts'
export { KeyTable } from './key-table.ts'
export { LazyAbort } from './lazy-abort.ts'
export { UnderWay } from './under-way.ts'
export { created, jsonMediaType, noContent, ok, renderResponse } from './command/response.ts'
export { CommandGateway } from './gateway/command-gateway.ts'
export { CommandHandler } from './handler/command-handler.ts'
export { recoverAccepted } from './handler/recover.ts'
export { decide, reusableAtMs } from './key-state/decide.ts'
export { replayOf, resolveFromStream } from './key-state/resolve.ts'
export { loadKeyState } from './key-state/load.ts'
export { evolve, keyMetadata, vacant } from './key-state/state.ts'
export { maxJsonDepth, parseStrictJson } from './strict-json.ts'
export { systemClock, systemIds } from './system.ts'
export type {
  Aggregate,
  AggregateSpec,
  Execute,
  ExecuteOptions,
  ExecuteResult,
  Rejection,
} from './aggregate/define-aggregate.ts'
export type { AggregatePlace, CompensationRecord, StepRecord } from './key-state/steps.ts'
export { aggregateStream, defineAggregate, reject } from './aggregate/define-aggregate.ts'
export type { Completer, CompleterOptions } from './handler/completer.ts'
export type { ReleaseRecord } from './key-state/events.ts'
export type { Released } from './key-state/state.ts'
export type { ReleaseRequest, ReleaseResult } from './key-state/release.ts'
export { startCompleter } from './handler/completer.ts'
export { releaseKey } from './key-state/release.ts'
export type { HistorySweepOptions } from './history/start-history-sweep.ts'
export type { SweepHistoryOptions, SweptHistory } from './history/history-sweep.ts'
export type { HistoryRemovedData, RemovalRecord } from './key-state/events.ts'
export type { Removed } from './key-state/state.ts'
export { eventDigest } from './history/event-digest.ts'
export { removesHistory, sweepHistory } from './history/history-sweep.ts'
export { startHistorySweep } from './history/start-history-sweep.ts'
export { sendSeeds } from './gateway/send-seeds.ts'
export type { Projection, ProjectionHandlers, ProjectionSpec } from './projection/define-projection.ts'
export type { EventOf, ProjectionEvent } from './projection/projection-event.ts'
export type { Upcast, Upcasted, Upcasts } from './projection/upcast.ts'
export { defineProjection, maxDocumentIdBytes, singleDocumentId } from './projection/define-projection.ts'
export { projectionEventOf, tenantOf } from './projection/projection-event.ts'
export { storedVersionOf, upcastEvent } from './projection/upcast.ts'
export type { ResultOrigin } from './results/result-event.ts'
export type { StoreResultFeedOptions } from './results/store-result-feed.ts'
export type { PlacedResult, ResultBatch, ResultFeed, ResultFilter, ResultSubscription } from './ports/result-feed.ts'
export { isResult, outcomeResult, resultEventOf } from './results/result-event.ts'
export type { CarryResultsOptions } from './results/carry-results.ts'
export { carryResults } from './results/carry-results.ts'
export { shareResults } from './results/shared-results.ts'
export { resultsOf } from './results/results-of.ts'
export { createStoreResultFeed } from './results/store-result-feed.ts'
export { matchesFilter, ResultPlaceError } from './ports/result-feed.ts'
export type { DecidedOutcome } from './handler/project-again.ts'
export { isDecisionEvent, projectAgain } from './handler/project-again.ts'
