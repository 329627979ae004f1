/**
 * Projections: the projector that keeps them, the reader that answers from them, and rebuilds that need neither. What a
 * projection is (`defineProjection`) and where it is kept (`ReadStore`) stand in `@holdfast/core`.
 */
export type { DocumentSet, LoadDocuments } from './documents.ts'
export type { Moment } from './moment.ts'
export type { Projector, ProjectorObserver, ProjectorOptions, ProjectorState } from './projector.ts'
export type {
  DocumentAnswer,
  DocumentRequest,
  PageAnswer,
  PageRequest,
  ProjectionReader,
  ProjectionReaderOptions,
  ReadRefusal,
} from './reader.ts'
export type { Rebuilt, RebuildOptions, RebuildProgress } from './rebuild.ts'
export { createMemoryDocuments, compareUtf8 } from './documents.ts'
export { FoldError } from './fold.ts'
export type { LagOptions } from './lag.ts'
export { projectionLagMs } from './lag.ts'
export { parseMoment, parsePosition } from './moment.ts'
export { startProjector, startProjectors } from './projector.ts'
export { createProjectionReader } from './reader.ts'
export { rebuild } from './rebuild.ts'
export { createStoredDocuments } from './stored-documents.ts'
