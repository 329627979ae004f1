import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { temporaryFolder } from '@holdfast/testing/processes'
import { describe, test } from 'vitest'

const programs = ['chromium', 'chromium-browser', 'google-chrome']

function findBrowser(): string | undefined {
  for (const program of programs) {
    try {
      return execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
    } catch {
      // The next one.
    }
  }
  return undefined
}

/**
 * A vitest suite with a browser (Chromium). Where there is none it says so on standard error and skips; with
 * `HOLDFAST_REQUIRE_BROWSER=1` it fails instead.
 */
export function describeWithBrowser(name: string, define: (browser: string) => void): void {
  const browser = findBrowser()
  describe(name, () => {
    if (browser !== undefined) {
      define(browser)
      return
    }
    process.stderr.write(`\nNOT RUN: "${name}" needs a browser, one of ${programs.join(', ')}.\n`)
    test.skipIf(process.env['HOLDFAST_REQUIRE_BROWSER'] !== '1')('not run: no browser', () => {
      throw new Error('HOLDFAST_REQUIRE_BROWSER=1, and there is no browser')
    })
  })
}

/** Opens a page without a window, in a profile of its own. Disposing it ends the browser. */
export async function openPage(browser: string, url: string): Promise<AsyncDisposable & { output(): string }> {
  const profile = await temporaryFolder('holdfast-browser')
  const flags = ['--headless=new', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking']
  // A sandbox needs rights that a container does not give; the page is ours.
  const child = spawn(browser, [...flags, '--no-sandbox', '--no-first-run', `--user-data-dir=${profile.path}`, url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = once(child, 'close')
  return {
    output: () => output,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const last = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(last)
      await profile[Symbol.asyncDispose]()
    },
  }
}
