import { writeFile } from 'node:fs/promises'
import { createPublicKey } from 'node:crypto'
import { makeSeal, readPrivateKey } from '@holdfast/audit'
import { Command } from 'commander'
import { readTextFile } from '../support/arguments.ts'
import { addStoreOptions, openStore, type StoreOptions } from '../support/open-store.ts'
import type { Output } from '../support/output.ts'
import type { Progress } from '../support/progress.ts'
import { publicKeyIn } from './audit-keygen.ts'

interface SealOptions extends StoreOptions {
  readonly privateKey: string
  readonly seal: string
  readonly origin?: string
}

export function auditSealCommand(output: (command: Command) => Output, progress: () => Progress): Command {
  return addStoreOptions(
    new Command('seal')
      .description('Seal the history as it is now: sign the Merkle tree over all events.')
      .requiredOption('--private-key <file>', 'Ed25519 in PEM, of `holdfast audit keygen`')
      .option('--seal <folder>', 'where the seals are kept; keep a copy of seal.jsonl elsewhere', './seal')
      .option('--origin <name>', 'name of the log, at its first seal; default: holdfast'),
  ).action(async (options: SealOptions, command: Command) => {
    const privateKey = readPrivateKey(await readTextFile(options.privateKey))
    await using opened = await openStore(options)
    const shown = progress()
    const result = await makeSeal({
      history: opened.history,
      folder: options.seal,
      privateKey,
      ...(options.origin !== undefined && { origin: options.origin }),
      nowMs: Date.now(),
      onProgress: (events) => {
        shown.show(() => `${events} events`)
      },
    })
    shown.end()
    const publicPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })
    await writeFile(publicKeyIn(options.seal), publicPem)
    const { kind, checkpoint, note, added } = result
    const { origin, size, position, sealedAt } = checkpoint
    const root = Buffer.from(checkpoint.root).toString('base64')
    const out = output(command)
    out.answer({ kind, added, checkpoint: { origin, size, root, position, sealedAt }, note }, () => {
      if (kind === 'unchanged') out.line(`nothing new since ${sealedAt}: ${size} events are sealed`)
      else out.line(`sealed: ${size} events, ${added} of them new, up to position ${position}`)
      out.line()
      out.line(note.trimEnd())
    })
  })
}
