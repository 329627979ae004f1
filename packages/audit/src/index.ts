/**
 * - `history.ts`: what an audit reads; `removals.ts`: what was removed from it on purpose
 * - `merkle/`: the tree of RFC 9162: `hashing.ts`, `tree.ts` (growing), `paths.ts` (making proofs), `check-proofs.ts`,
 *   `event-leaf.ts` (what of an event is hashed)
 * - `seal/`: `keys.ts`, `signed-note.ts`, `checkpoint.ts` (what is signed), `seal-folder.ts`, `leaves-file.ts` (what is
 *   kept), `make-seal.ts`, `prove.ts`, `check-proof.ts`, `compare.ts` and `open-comparison.ts` (what was tampered with)
 * - `verify/`: `verify-history.ts` (the walk), `findings.ts` (the rules), `key-checker.ts`, `generation-checker.ts`,
 *   `response-checker.ts`, `compare-projection.ts`, `stored-metadata.ts`, `stream-table.ts` (what is remembered of each stream), `summary.ts`
 */
export type { AuditErrorCode } from './audit-error.ts'
export type { History, StoredEvent } from './history.ts'
export type { Digest } from './merkle/hashing.ts'
export type { CheckedProof } from './seal/check-proof.ts'
export type { Checkpoint } from './seal/checkpoint.ts'
export type { KeyPair } from './seal/keys.ts'
export type { MakeSealOptions, SealResult } from './seal/make-seal.ts'
export type { ProofDocument, ProveOptions, ProvenEvent } from './seal/prove.ts'
export type { Seal, SealFiles } from './seal/seal-folder.ts'
export type { SealBreach, SealComparison, SealVerdict } from './seal/compare.ts'
export type { OpenComparisonOptions, OpenedComparison } from './seal/open-comparison.ts'
export type { Finding, Rule, Severity } from './verify/findings.ts'
export type { OutcomeCounts, ProjectionSummary, SealSummary, VerifyReport } from './verify/summary.ts'
export type { PublishedResults } from './verify/published-results.ts'
export type { VerifyOptions } from './verify/verify-history.ts'
export { AuditError } from './audit-error.ts'
export { historyOfStore, storedOf } from './history.ts'
export { isConsistent, isIncluded } from './merkle/check-proofs.ts'
export { eventLeaf } from './merkle/event-leaf.ts'
export { leafHash, nodeHash } from './merkle/hashing.ts'
export { collectPaths, consistencyPath, inclusionPath } from './merkle/paths.ts'
export { growTree } from './merkle/tree.ts'
export { checkProof } from './seal/check-proof.ts'
export { openCheckpoint, signCheckpoint } from './seal/checkpoint.ts'
export { createKeyPair, readPrivateKey, readPublicKey } from './seal/keys.ts'
export { makeSeal } from './seal/make-seal.ts'
export { proveKey } from './seal/prove.ts'
export { readSeals, sealFilesOf } from './seal/seal-folder.ts'
export { verifierKey } from './seal/signed-note.ts'
export { openComparison } from './seal/open-comparison.ts'
export type {
  CompareProjectionOptions,
  KeptDocuments,
  ProjectionComparison,
  ProjectionDifference,
} from './verify/compare-projection.ts'
export { addProjections } from './verify/add-projections.ts'
export { compareProjection } from './verify/compare-projection.ts'
export { createPublishedResults } from './verify/published-results.ts'
export { rules } from './verify/findings.ts'
export { jsonOf } from './json-of.ts'
export { verifyHistory } from './verify/verify-history.ts'
