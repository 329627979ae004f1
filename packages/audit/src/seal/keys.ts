import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { AuditError } from '../audit-error.ts'

/** A key pair as PEM: PKCS #8 and SPKI, as OpenSSL makes and reads them. */
export interface KeyPair {
  readonly privatePem: string
  readonly publicPem: string
}

/** Ed25519, as of RFC 8032. */
export function createKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  return { privatePem: privateKey, publicPem: publicKey }
}

/** @throws AuditError `key` when it is no Ed25519 private key in PEM */
export function readPrivateKey(pem: string): KeyObject {
  return ed25519(() => createPrivateKey(pem), 'a private key')
}

/** Takes the public key, or a private key, whose public part it is. @throws AuditError `key` */
export function readPublicKey(pem: string): KeyObject {
  return ed25519(() => createPublicKey(pem), 'a public key')
}

/** The 32 bytes of RFC 8032: the end of the SPKI form. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
}

function ed25519(read: () => KeyObject, what: string): KeyObject {
  let key: KeyObject
  try {
    key = read()
  } catch (error) {
    throw new AuditError('key', `that is not ${what} in PEM`, { cause: error })
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new AuditError('key', `that is ${what} of the kind ${String(key.asymmetricKeyType)}, and Ed25519 is needed`)
  }
  return key
}
