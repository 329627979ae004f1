import { startService, type ServiceProcess } from '@holdfast/testing/processes'
import { join } from 'node:path'
import { createOutputMatcher } from './expected-output.ts'
import type { CodeBlock, Markdown } from './markdown.ts'
import { root } from './repository.ts'
import { outputOf } from './run-command.ts'
import { createWorkspace, type Workspace } from './workspace.ts'

/** The address that documents use. */
const documentedHost = '127.0.0.1:8080'
const documentedHosts = /(?:127\.0\.0\.1|localhost):8080/g

/** Without start-up files, which bash would read since its input is a socket. */
const shell = ['--norc', '-euo', 'pipefail', '-c'] as const

const standalone = join(root, 'services/standalone/src/main.ts')

export const isRunnable = ({ language, flags }: CodeBlock): boolean =>
  flags.includes('run') && (language === 'sh' || language === 'ts')

/** The `text` block that follows a block directly: what the document says is printed. */
function expectedOutput({ blocks }: Markdown, block: CodeBlock): string | undefined {
  const next = blocks[blocks.indexOf(block) + 1]
  return next?.language === 'text' ? next.text : undefined
}

/**
 * Runs the runnable blocks of one document, in order, against a standalone on fresh data:
 *
 * - `sh run`: by bash, in the repository's root; `127.0.0.1:8080` is where the standalone listens, and
 *   `HOLDFAST_DATA_DIR` is its folder
 * - `ts run`: as a module, from outside the repository
 * - `ts run app`: from here on the standalone serves this application, on fresh data
 *
 * @returns one entry for each block that did not print what the `text` block behind it shows
 */
export async function runDocument(path: string, markdown: Markdown): Promise<readonly string[]> {
  await using runner = await createRunner()
  const matcher = createOutputMatcher()
  const faults: string[] = []
  for (const block of markdown.blocks.filter(isRunnable)) {
    const place = `${path}:${block.line}`
    try {
      const printed = await runner.run(block)
      const expected = expectedOutput(markdown, block)
      const fault = expected === undefined ? undefined : matcher.compare(expected, printed)
      if (fault !== undefined) faults.push(`${place}: ${fault}`)
    } catch (error) {
      faults.push(`${place}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return faults
}

interface Runner extends AsyncDisposable {
  run(block: CodeBlock): Promise<string>
}

async function createRunner(): Promise<Runner> {
  const workspace = await createWorkspace()
  let app = '@holdfast/example-orders'
  let server: RunningServer | undefined

  async function serve(): Promise<RunningServer> {
    server ??= await startServer(workspace, app)
    return server
  }

  return {
    async run(block) {
      if (block.flags.includes('app')) {
        app = await workspace.write(`app-${block.line}.ts`, block.text)
        await server?.process[Symbol.asyncDispose]()
        server = undefined
        return ''
      }
      const { host, dataDir } = await serve()
      const text = block.text.replaceAll(documentedHosts, host)
      const env = { HOLDFAST_DATA_DIR: dataDir }
      const command =
        block.language === 'sh'
          ? { file: 'bash', args: [...shell, text], env }
          : { file: process.execPath, args: [await workspace.write(`block-${block.line}.ts`, text)], env }
      return (await outputOf(command)).replaceAll(host, documentedHost)
    },
    async [Symbol.asyncDispose]() {
      await server?.process[Symbol.asyncDispose]()
      await workspace[Symbol.asyncDispose]()
    },
  }
}

interface RunningServer {
  readonly process: ServiceProcess
  readonly host: string
  readonly dataDir: string
}

let folders = 0

async function startServer(workspace: Workspace, app: string): Promise<RunningServer> {
  const dataDir = await workspace.folder(`data-${++folders}`)
  const process = await startService({
    entry: standalone,
    env: { HOLDFAST_APP: app, HOLDFAST_DATA_DIR: dataDir },
    cwd: root,
  })
  return { process, host: new URL(process.url).host, dataDir }
}
