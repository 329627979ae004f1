import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { WriteStream } from 'node:tty'
import { Command, Option } from 'commander'
import {
  bodyArgument,
  commaList,
  headerArgument,
  routeArgument,
  siegeOptions,
  wholeNumber,
  type CommandOptions,
} from './command-options.ts'
import { profiles } from './profiles/index.ts'
import { exitCodeOf, exitCodeOfError } from './exit-code.ts'
import { runSiege, type SiegeResult } from './run-siege.ts'
import { scenarios } from './scenarios/index.ts'
import { SiegeError } from './siege-error.ts'
import { createLiveView } from './view/live.ts'
import { printable } from './view/words.ts'

/**
 * The command `siege <url>`, for a program of its own or to be added to another. It prints the result, and sets
 * `process.exitCode`: 0 passed, 1 failed, 2 called wrongly, 3 a target that cannot be used, 5 could not be told, 130 interrupted.
 */
export function siegeCommand(name = 'siege'): Command {
  return new Command(name)
    .description('Attack an operation of an HTTP API with retries, and judge what comes back.')
    .argument('[url]', 'the operation, as in http://127.0.0.1:8080/api/order')
    .optionsGroup('The request ({{uuid}}, {{n}} and {{key}} are filled in; a body behind @ is a file):')
    .option('-X, --method <method>', 'default POST')
    .option('-H, --header <name: value>', 'several times', headerArgument)
    .option('-d, --body <template>', "a body that is accepted; default: the example application's order", bodyArgument)
    .option('--key-header <name>', 'default Idempotency-Key')
    .option('--key <template>', 'default {{uuid}}')
    .addOption(new Option('--key-format <format>', 'default bare').choices(['bare', 'quoted']))
    .optionsGroup('What more is known of the API (scenarios that need it are skipped without):')
    .option(
      '--other-body <template>',
      'another request that is accepted; default: the body with one value changed',
      bodyArgument,
    )
    .option('--refusal-body <template>', "a body that the API's own rules refuse", bodyArgument)
    .option('--failure-body <template>', 'a body that fails with a 5xx', bodyArgument)
    .option('--slow-body <template>', 'a body that takes long', bodyArgument)
    .option('--other-route <route>', 'another operation, as in "POST /refund"', routeArgument)
    .option('--other-route-body <template>', 'its body', bodyArgument)
    .option(
      '--other-tenant <name: value>',
      "a header that makes the request another tenant's; several times",
      headerArgument,
    )
    .option('--key-optional', 'a request without a key may be executed')
    .option('--accepted-is-final', '202 is the answer, and not "still running"')
    .option('--ignore <paths>', 'JSON members that may differ between equal answers: meta.request_id,…', commaList)
    .option('--ledger <url>', 'counts real effects: a JSON number, or a list')
    .option('--ledger-command <command>', 'the same, from a command')
    .option('--ledger-field <path>', 'where in it the number or list stands: data.count')
    .option('--restart-command <command>', 'restarts the target')
    .optionsGroup('What is done:')
    .option('--only <ids>', 'scenarios, by commas', commaList)
    .option('--skip <ids>', 'scenarios, by commas', commaList)
    .addOption(
      new Option('--profile <name>', 'checks of a specification in place of the scenarios').choices(
        Object.keys(profiles),
      ),
    )
    .option('--list', 'list the scenarios and end')
    .option('--requests <n>', 'of the baseline, each with 3 to 10 retries; default 2000', wholeNumber)
    .option('--concurrency <n>', 'of the baseline; default 50', wholeNumber)
    .option('--think <ms>', 'mean pause before a retry of the baseline; default 20', wholeNumber)
    .option('--seed <n>', 'of the random choices', wholeNumber)
    .optionsGroup('Bounds:')
    .option('--timeout <ms>', 'for an answer; default 15000', wholeNumber)
    .option('--settle <ms>', 'how long a key may be "still running"; default 15000', wholeNumber)
    .option('--max-requests <n>', 'default 20000', wholeNumber)
    .option('--max-seconds <n>', 'default 300', wholeNumber)
    .option('--i-own-this-target', 'attack an address that is not loopback')
    .option('--insecure', 'accept any certificate')
    .optionsGroup('Output:')
    .option('--json', 'the result as JSON on standard output')
    .option('--html <file>', 'a report with charts, in one file')
    .option('--no-live', 'no live view')
    .action(async (url: string | undefined, given: CommandOptions) => {
      process.exitCode = await siege(url, given)
    })
}

async function siege(url: string | undefined, given: CommandOptions): Promise<number> {
  if (given.list === true) {
    const listed = given.profile === undefined ? scenarios : profiles[given.profile]
    for (const { id, title, looksFor } of listed) process.stdout.write(`${id.padEnd(20)} ${title}: ${looksFor}\n`)
    return 0
  }
  try {
    if (url === undefined) throw new SiegeError('options', 'a target is missing: http://127.0.0.1:8080/path')
    if (given.html !== undefined) checkWritable(given.html)
    const result = await watched(url, given)
    await print(result, given)
    if (given.html !== undefined) await writeHtml(given.html, result)
    if (given.html !== undefined && given.json !== true) process.stdout.write(`report: ${given.html}\n`)
    return exitCodeOf(result)
  } catch (error) {
    if (!(error instanceof SiegeError)) throw error
    // It may quote what the target has answered.
    process.stderr.write(`siege: ${printable(error.message)}\n`)
    return exitCodeOfError(error)
  }
}

/** Before the siege, not behind it. @throws SiegeError */
function checkWritable(file: string): void {
  try {
    if (existsSync(file) && statSync(file).isDirectory()) throw new Error(`${file} is a folder`)
    accessSync(existsSync(file) ? file : dirname(resolve(file)), constants.W_OK)
  } catch (cause) {
    throw new SiegeError('options', `the report ${file} cannot be written`, { cause })
  }
}

async function writeHtml(file: string, result: SiegeResult): Promise<void> {
  const { resultHtml } = await import('./view/html.ts')
  try {
    writeFileSync(file, await resultHtml(result))
  } catch (cause) {
    throw new SiegeError('options', `the report ${file} could not be written: ${String(cause)}`, { cause })
  }
}

/** A siege that Ctrl-C ends in order: what is known by then is printed. The second Ctrl-C ends the process. */
async function watched(url: string, given: CommandOptions): Promise<SiegeResult> {
  const interrupted = new AbortController()
  const onInterrupt = (): void => {
    interrupted.abort()
  }
  process.once('SIGINT', onInterrupt)
  process.once('SIGTERM', onInterrupt)
  const view = given.live && canRedraw(process.stderr) ? createLiveView(process.stderr) : undefined
  try {
    return await runSiege({
      ...siegeOptions(url, given),
      signal: interrupted.signal,
      ...(view && {
        onProgress: (progress) => {
          view.update(progress)
        },
      }),
    })
  } finally {
    view?.close()
    process.off('SIGINT', onInterrupt)
    process.off('SIGTERM', onInterrupt)
  }
}

/** A terminal that is not dumb, and knows its size: without, there is no place to draw on. */
const canRedraw = ({ isTTY, columns, rows }: WriteStream): boolean =>
  isTTY && columns > 0 && rows > 0 && process.env['TERM'] !== 'dumb'

async function print(result: SiegeResult, given: CommandOptions): Promise<void> {
  if (given.json === true) {
    process.stdout.write(`${resultJson(result)}\n`)
    return
  }
  const { resultTable } = await import('./view/table.ts')
  const { columns } = process.stdout
  process.stdout.write(`${resultTable(result, columns > 0 ? { columns } : {})}\n`)
}

/** The result without the single attempts, indented. */
export function resultJson(result: SiegeResult): string {
  const { attempts: _attempts, ...rest } = result
  return JSON.stringify(rest, null, 2)
}
