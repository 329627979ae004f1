import { writeFile } from 'node:fs/promises'
import { checkProof, proveKey, readPublicKey } from '@holdfast/audit'
import type { IdempotencyKey, Tenant } from '@holdfast/core'
import { Command } from 'commander'
import { defaultTenant, keyArgument, readTextFile, tenantArgument } from '../support/arguments.ts'
import { CliError, exitCodes } from '../support/cli-error.ts'
import { addStoreOptions, openStore, type StoreOptions } from '../support/open-store.ts'
import { timeOf, type Output } from '../support/output.ts'
import { publicKeyIn } from './audit-keygen.ts'

interface ProveOptions extends StoreOptions {
  readonly tenant: Tenant
  readonly seal: string
  readonly publicKey?: string
  readonly out?: string
}

export function auditProveCommand(output: (command: Command) => Output): Command {
  return addStoreOptions(
    new Command('prove')
      .description(
        'Write a proof that the events of a key stand in the sealed history; `audit check` checks it offline.',
      )
      .argument('<key>', 'the Idempotency-Key, or "<METHOD> <path>" of a command that its URI names', keyArgument)
      .option('--tenant <tenant>', 'whose key', tenantArgument, defaultTenant)
      .option('--seal <folder>', 'where the seals are', './seal')
      .option('--public-key <file>', 'default: public.pem in the seal folder')
      .option('--out <file>', 'where to write the proof; default: standard output'),
  ).action(async (key: IdempotencyKey, options: ProveOptions, command: Command) => {
    const publicKey = readPublicKey(await readTextFile(options.publicKey ?? publicKeyIn(options.seal)))
    await using opened = await openStore(options)
    const { tenant, seal: folder } = options
    const proof = await proveKey({ history: opened.history, folder, publicKey, tenant, key })
    const text = `${JSON.stringify(proof, undefined, 2)}\n`
    const out = output(command)
    if (options.out === undefined) {
      out.line(text.trimEnd())
      return
    }
    await writeFile(options.out, text).catch((error: unknown) => {
      throw new CliError(exitCodes.usage, `${options.out ?? ''} cannot be written: ${(error as Error).message}`)
    })
    const answer = { out: options.out, bytes: text.length, events: proof.events.length }
    out.answer(answer, () => {
      out.line(`${answer.out}: ${answer.events} events of ${key}, ${answer.bytes} bytes`)
    })
  })
}

export function auditCheckCommand(output: (command: Command) => Output): Command {
  return new Command('check')
    .description('Check a proof of `audit prove`, with the public key alone.')
    .argument('<file>', 'the proof')
    .requiredOption('--public-key <file>', 'Ed25519 in PEM, from somebody you trust')
    .action(async (file: string, { publicKey }: { publicKey: string }, command: Command) => {
      const key = readPublicKey(await readTextFile(publicKey))
      const { tenant, key: name, checkpoint, events } = checkProof(await readTextFile(file), key)
      const { origin, size, sealedAt, position } = checkpoint
      const listed = events.map(({ index, revision, position: at, recordedAtMs, type, data, metadata }) => ({
        ...{ index, revision, position: at, recordedAt: timeOf(recordedAtMs), type },
        ...{ data: JSON.parse(data) as unknown, metadata: JSON.parse(metadata) as unknown },
      }))
      const sealed = { origin, size, position, sealedAt }
      const out = output(command)
      out.answer({ holds: true, tenant, key: name, checkpoint: sealed, events: listed }, () => {
        out.line(`It holds: ${events.length} events of ${name}, tenant ${tenant}, stood in the log "${origin}"`)
        out.line(`when it was sealed at ${sealedAt}, among ${size} events, the last at position ${position}.`)
        out.table(
          ['index', 'revision', 'position', 'recorded', 'event', 'data'],
          events.map((event) => [
            ...[
              String(event.index),
              event.revision,
              event.position,
              timeOf(event.recordedAtMs),
              event.type,
              event.data,
            ],
          ]),
        )
      })
    })
}
