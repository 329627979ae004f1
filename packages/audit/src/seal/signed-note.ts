import { sign, verify, type KeyObject } from 'node:crypto'
import { AuditError } from '../audit-error.ts'
import { sha256 } from '../merkle/hashing.ts'
import { rawPublicKey } from './keys.ts'

/**
 * Text with signatures, in the form that transparency logs use, so that their tools read it too.
 *
 * @see https://c2sp.org/signed-note
 */
export interface NoteKey {
  /** Stands in the signature's line: no space, no `+`. */
  readonly name: string
  readonly key: KeyObject
}

const signatureLine = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/
const keyName = /^[^\s+]+$/
const ed25519Type = 0x01
const keyIdBytes = 4
const maxSignatures = 64
// Control characters other than the newline, as the specification has it.

const forbidden = /[\u0000-\u0009\u000b-\u001f]/

/** Signs a text, which ends in a newline. */
export function signNote(text: string, { name, key }: NoteKey): string {
  assertText(text)
  if (!keyName.test(name)) throw new AuditError('seal', `"${name}" is no name of a log: no space and no +`)
  const signature = sign(null, Buffer.from(text), key)
  const line = Buffer.concat([keyId({ name, key }), signature]).toString('base64')
  return `${text}\n\u2014 ${name} ${line}\n`
}

/**
 * The text of a note that this key has signed. Signatures of others, such as witnesses, may stand beside it and are not
 * looked at.
 *
 * @throws AuditError `signature` when the key has not signed it, or it is no note
 */
export function openNote(note: string, signer: NoteKey): string {
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || !note.endsWith('\n') || forbidden.test(note))
    throw new AuditError('signature', 'that is no signed note')
  const text = note.slice(0, end + 1)
  const lines = note.slice(end + 2, -1).split('\n')
  if (lines.length > maxSignatures) throw new AuditError('signature', `the note has ${lines.length} signatures`)
  const id = keyId(signer)
  let known = 0
  for (const line of lines) {
    const [, name, encoded] = signatureLine.exec(line) ?? []
    if (name === undefined || encoded === undefined) throw new AuditError('signature', 'that is no signed note')
    const bytes = Buffer.from(encoded, 'base64')
    // One spelling for each signature: base64 has bits that decoders pass over.
    if (bytes.toString('base64') !== encoded) throw new AuditError('signature', 'that is no signed note')
    if (name !== signer.name || !bytes.subarray(0, keyIdBytes).equals(id)) continue
    if (!verify(null, Buffer.from(text), signer.key, bytes.subarray(keyIdBytes))) {
      throw new AuditError('signature', `the signature of "${name}" does not fit what it signs`)
    }
    known += 1
  }
  if (known === 0) throw new AuditError('signature', `"${signer.name}" has not signed it with this key`)
  return text
}

/** The key as the tools of transparency logs take it: `<name>+<key id>+<key>`. */
export function verifierKey(signer: NoteKey): string {
  const key = Buffer.from([ed25519Type, ...rawPublicKey(signer.key)]).toString('base64')
  return `${signer.name}+${keyId(signer).toString('hex')}+${key}`
}

/** Says which key it may be; only the signature proves it. */
function keyId({ name, key }: NoteKey): Buffer {
  const bytes = Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([ed25519Type]), rawPublicKey(key)])
  return Buffer.from(sha256(bytes)).subarray(0, keyIdBytes)
}

function assertText(text: string): void {
  if (!text.endsWith('\n') || text.includes('\n\n') || forbidden.test(text) || !text.isWellFormed()) {
    throw new AuditError('seal', 'a text to sign has lines that are not empty, and ends with one')
  }
}
