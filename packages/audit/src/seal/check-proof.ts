import type { KeyObject } from 'node:crypto'
import { commandIdOf, parseTenant, streamOf, type IdempotencyKey } from '@holdfast/core'
import { AuditError } from '../audit-error.ts'
import { isIncluded } from '../merkle/check-proofs.ts'
import { eventLeaf } from '../merkle/event-leaf.ts'
import { base64Of, digestOf, openCheckpoint, type Checkpoint } from './checkpoint.ts'
import type { ProofDocument, ProvenEvent } from './prove.ts'

/** What a proof proves: these events stood in the log when it was sealed, in this order. */
export interface CheckedProof {
  readonly tenant: string
  readonly key: string
  readonly checkpoint: Checkpoint
  readonly events: readonly ProvenEvent[]
}

/**
 * Checks a proof with the public key alone: the signature of the checkpoint, the path of each event to its root, and that
 * the events are those of the key, from the first on, in their order. It cannot tell whether more events of the key came
 * later.
 *
 * @param text the proof file
 * @throws AuditError `proof`, `signature`
 */
export function checkProof(text: string, key: KeyObject): CheckedProof {
  const proof = parse(text)
  const checkpoint = openCheckpoint(proof.checkpoint, key)
  const tenant = parseTenant(proof.tenant)
  if (tenant === undefined) throw new AuditError('proof', 'it names no tenant')
  const stream = streamOf(commandIdOf(tenant, proof.key as IdempotencyKey))
  let before = -1
  for (const [at, event] of proof.events.entries()) {
    const place = `event ${event.revision} at position ${event.position}`
    if (event.stream !== stream) throw new AuditError('proof', `${place} is not of this key`)
    if (event.revision !== String(at)) throw new AuditError('proof', `${place} stands where event ${at} must stand`)
    if (event.index <= before) throw new AuditError('proof', `${place} does not stand behind the one before it`)
    before = event.index
    const path = event.path.map(digestOf)
    const leaf = eventLeaf({
      ...event,
      position: BigInt(event.position),
      revision: BigInt(event.revision),
      data: Buffer.from(event.data),
      metadata: Buffer.from(event.metadata),
    })
    if (!isIncluded({ leaf, index: event.index, size: checkpoint.size, path, root: checkpoint.root })) {
      throw new AuditError('proof', `${place} does not stand in the sealed log as the file says`)
    }
  }
  return { tenant, key: proof.key, checkpoint, events: proof.events }
}

function parse(text: string): ProofDocument {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new AuditError('proof', 'the file is no JSON', { cause: error })
  }
  const proof = membersOf(json)
  if (proof['kind'] !== 'holdfast-proof') throw new AuditError('proof', 'the file is no proof of Holdfast')
  if (proof['v'] !== 1) throw new AuditError('proof', 'the proof has a version that is not known')
  const events = proof['events']
  if (!Array.isArray(events) || events.length === 0) throw new AuditError('proof', 'the proof has no events')
  return {
    v: 1,
    kind: 'holdfast-proof',
    tenant: textIn(proof, 'tenant'),
    key: textIn(proof, 'key'),
    checkpoint: textIn(proof, 'checkpoint'),
    events: events.map(eventOf),
  }
}

function eventOf(value: unknown): ProvenEvent {
  const event = membersOf(value)
  const path = event['path']
  if (!Array.isArray(path)) throw new AuditError('proof', 'an event has no path')
  return {
    index: numberIn(event, 'index'),
    position: countIn(event, 'position'),
    stream: textIn(event, 'stream'),
    revision: countIn(event, 'revision'),
    recordedAtMs: numberIn(event, 'recordedAtMs'),
    id: textIn(event, 'id'),
    type: textIn(event, 'type'),
    data: textIn(event, 'data'),
    metadata: textIn(event, 'metadata'),
    path: path.map((hash) => base64Of(digestOf(hash))),
  }
}

type Members = Readonly<Record<string, unknown>>

function membersOf(value: unknown): Members {
  if (typeof value !== 'object' || value === null) throw new AuditError('proof', 'the file is no proof of Holdfast')
  return value as Members
}

function textIn(members: Members, name: string): string {
  const value = members[name]
  if (typeof value !== 'string') throw new AuditError('proof', `"${name}" is missing, or no text`)
  return value
}

function countIn(members: Members, name: string): string {
  const text = textIn(members, name)
  if (!/^(0|[1-9][0-9]{0,17})$/.test(text)) throw new AuditError('proof', `"${name}" is no number`)
  return text
}

function numberIn(members: Members, name: string): number {
  const value = members[name]
  if (!Number.isSafeInteger(value)) throw new AuditError('proof', `"${name}" is missing, or no whole number`)
  return value as number
}
