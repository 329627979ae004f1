import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './repository.ts'
import { createWorkspace } from './workspace.ts'

const run = promisify(execFile)

/** A module to check; the name tells where it stands: `docs-events-12.ts`. */
export interface Module {
  readonly name: string
  readonly text: string
}

/** What `tsc` finds in the modules, under the repository's own strict settings; '' for nothing. */
export async function typeCheck(modules: readonly Module[]): Promise<string> {
  await using workspace = await createWorkspace()
  for (const { name, text } of modules) await workspace.write(name, text)
  const settings = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: { noEmit: true, moduleDetection: 'force', typeRoots: [join(root, 'node_modules/@types')] },
    include: ['*.ts'],
  }
  const project = await workspace.write('tsconfig.json', JSON.stringify(settings))
  try {
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project, '--pretty', 'false'])
    return ''
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return stdout === '' ? `tsc failed: ${stderr}` : stdout
  }
}
