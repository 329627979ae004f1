import { mkdir, open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createKeyPair, readPublicKey, verifierKey } from '@holdfast/audit'
import { Command } from 'commander'
import { CliError, exitCodes } from '../support/cli-error.ts'
import type { Output } from '../support/output.ts'

export function auditKeygenCommand(output: (command: Command) => Output): Command {
  return new Command('keygen')
    .description('Make a key pair to seal with: Ed25519, as PEM.')
    .option('--out <folder>', 'where to write private.pem and public.pem', '.')
    .option('--origin <name>', 'name of the log, for the key as transparency tools take it', 'holdfast')
    .action(async ({ out: folder, origin }: { out: string; origin: string }, command: Command) => {
      const pair = createKeyPair()
      const files = { privateKey: resolve(folder, 'private.pem'), publicKey: resolve(folder, 'public.pem') }
      await mkdir(resolve(folder), { recursive: true })
      await writeNew(files.privateKey, pair.privatePem, 0o600)
      await writeNew(files.publicKey, pair.publicPem, 0o644)
      const key = verifierKey({ name: origin, key: readPublicKey(pair.publicPem) })
      const out = output(command)
      out.answer({ ...files, verifierKey: key }, () => {
        out.line(`private key: ${files.privateKey}   for whoever seals; keep it off the machine that has the data`)
        out.line(`public key:  ${files.publicKey}   for whoever verifies`)
        out.line(`as note key: ${key}`)
      })
    })
}

/** Never over a key that is there: what it has signed could not be checked any more. @throws CliError `usage` */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const file = await open(path, 'wx', mode)
    await file.writeFile(text)
    await file.sync()
    await file.close()
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'EEXIST' ? 'it is there already' : (error as Error).message
    throw new CliError(exitCodes.usage, `${path} cannot be written: ${reason}`, { cause: error })
  }
}

/** The public key that a seal folder brings along, for where none is given. */
export const publicKeyIn = (folder: string): string => join(resolve(folder), 'public.pem')
