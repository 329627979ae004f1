import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@holdfast/testing/processes'
import { root } from './repository.ts'

/** A folder outside the repository from which its packages can be imported, as an application would. */
export interface Workspace extends AsyncDisposable {
  readonly path: string
  /** Writes a module into it; returns its absolute path. */
  write(name: string, text: string): Promise<string>
  /** Makes an empty folder in it; returns its absolute path. */
  folder(name: string): Promise<string>
}

/** Node does not strip types under `node_modules`; behind these links the real paths of our packages are elsewhere. */
export async function createWorkspace(): Promise<Workspace> {
  const folder = await temporaryFolder('holdfast-docs')
  await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'), 'dir')
  await writeFile(join(folder.path, 'package.json'), JSON.stringify({ type: 'module' }))
  return {
    path: folder.path,
    async write(name, text) {
      const path = join(folder.path, name)
      await writeFile(path, text)
      return path
    },
    async folder(name) {
      const path = join(folder.path, name)
      await mkdir(path)
      return path
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}
