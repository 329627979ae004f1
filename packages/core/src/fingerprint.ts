import { hash } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'
import type { Fingerprint } from './brands.ts'
import type { JsonValue } from './json.ts'

/**
 * What makes two requests "the same": SHA-256 over the command's name and the canonical form (RFC 8785) of the part of
 * the validated input that counts. A reordered or re-spaced body has the same fingerprint; a key that is sent to
 * another command has another.
 */
export function fingerprintOf(command: string, subset: JsonValue): Fingerprint {
  return hash('sha256', `${command}\n${canonicalJson(subset)}`, 'hex') as Fingerprint
}
