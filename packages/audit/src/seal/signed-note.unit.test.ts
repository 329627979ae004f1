import { createPublicKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { AuditError } from '../audit-error.ts'
import { openCheckpoint, signCheckpoint, type Checkpoint } from './checkpoint.ts'
import { createKeyPair, readPrivateKey, readPublicKey } from './keys.ts'
import { openNote, signNote, verifierKey } from './signed-note.ts'

/** The example of the Go implementation of signed notes, which defined them. */
const example = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature: 'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
}

/** What stands before the 32 bytes of an Ed25519 key in SPKI form. */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')
const exampleKey = createPublicKey({
  key: Buffer.concat([spkiHead, Buffer.from(example.key.split('+').slice(2).join('+'), 'base64').subarray(1)]),
  format: 'der',
  type: 'spki',
})
const exampleNote = `${example.text}\n\u2014 PeterNeumann ${example.signature}\n`

const pair = createKeyPair()
const privateKey = readPrivateKey(pair.privatePem)
const publicKey = readPublicKey(pair.publicPem)

describe('signed notes', () => {
  it('reads the note of another implementation, and names its key as that one does', () => {
    const signer = { name: 'PeterNeumann', key: exampleKey }
    expect(openNote(exampleNote, signer)).toBe(example.text)
    expect(verifierKey(signer)).toBe(example.key)
  })

  it('gives back what it signed', () => {
    const signer = { name: 'example.com/log', key: publicKey }
    const note = signNote('one\ntwo\n', { ...signer, key: privateKey })
    expect(openNote(note, signer)).toBe('one\ntwo\n')
    // Another signature beside it is not looked at.
    const [, line] = exampleNote.split('\n\n')
    expect(openNote(`${note}${line ?? ''}`, signer)).toBe('one\ntwo\n')
  })

  it('refuses every other text, signature and key', () => {
    const signer = { name: 'PeterNeumann', key: exampleKey }
    const refused = [
      exampleNote.replace('answer', 'Answer'),
      exampleNote.replace('x08go/ZJ', 'x08go/ZK'),
      exampleNote.replace('PeterNeumann', 'PeterNeuman'),
      exampleNote.slice(0, -1),
      exampleNote.replace('\u2014 ', '- '),
      exampleNote.replace('\n\n', '\n'),
      example.text,
      '',
    ]
    for (const note of refused) expect(() => openNote(note, signer)).toThrow(AuditError)
    expect(() => openNote(exampleNote, { name: 'PeterNeumann', key: publicKey })).toThrow('has not signed it')
  })
})

describe('checkpoints', () => {
  const checkpoint: Checkpoint = {
    origin: 'example.com/log',
    size: 20_852_163,
    root: Buffer.alloc(32, 7),
    position: 20_852_170n,
    sealedAt: '2026-11-24T08:00:00.000Z',
  }

  it('say what was signed', () => {
    const note = signCheckpoint(checkpoint, privateKey)
    expect(openCheckpoint(note, publicKey)).toEqual(checkpoint)
    expect(note.split('\n').slice(0, 3)).toEqual([
      'example.com/log',
      '20852163',
      Buffer.from(checkpoint.root).toString('base64'),
    ])
  })

  it('are refused when they are of another log, or changed in one character', () => {
    const note = signCheckpoint(checkpoint, privateKey)
    expect(() => openCheckpoint(note, publicKey, 'example.com/other')).toThrow('is expected')
    for (let at = 0; at < note.length - 1; at++) {
      const changed = `${note.slice(0, at)}${note.at(at) === 'A' ? 'B' : 'A'}${note.slice(at + 1)}`
      if (changed !== note) expect(() => openCheckpoint(changed, publicKey)).toThrow(AuditError)
    }
  })

  it('are refused when the signed text is something else', () => {
    const signer = { name: 'example.com/log', key: privateKey }
    const texts = [
      'example.com/log\n1\n',
      'example.com/log\n01\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nposition 1\ntime 2026-11-24T08:00:00Z\n',
      'example.com/log\n1\nBwc=\nposition 1\ntime 2026-11-24T08:00:00Z\n',
      'example.com/log\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nposition x\ntime 2026-11-24T08:00:00Z\n',
      'example.com/log\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nposition 1\ntime yesterday\n',
    ]
    for (const text of texts) {
      expect(() => openCheckpoint(signNote(text, signer), publicKey)).toThrow('no checkpoint of Holdfast')
    }
  })

  it('take keys of Ed25519 only', () => {
    const rsa =
      '-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf\n9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==\n-----END PUBLIC KEY-----\n'
    expect(() => readPublicKey(rsa)).toThrow('Ed25519 is needed')
    expect(() => readPublicKey('nothing')).toThrow('not a public key in PEM')
    expect(() => readPrivateKey(pair.publicPem)).toThrow('not a private key in PEM')
  })
})
