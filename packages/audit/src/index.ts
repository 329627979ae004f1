/**
 * - `history.ts`: what an audit reads
 * - `merkle/`: the tree of RFC 9162: `hashing.ts`, `tree.ts` (growing), `paths.ts` (making proofs), `check-proofs.ts`,
 *   `event-leaf.ts` (what of an event is hashed)
 * - `seal/`: `keys.ts`, `signed-note.ts`, `checkpoint.ts` (what is signed), `seal-folder.ts`, `leaves-file.ts` (what is
 *   kept), `make-seal.ts`, `prove.ts`, `check-proof.ts`
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
