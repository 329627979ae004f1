import { execFileSync, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { siegeEntry } from './command.ts'
import { startLittleServer } from './little-server.ts'

/** `script` of util-linux gives a command a terminal of its own. */
function hasScript(): boolean {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
}

/** What a siege writes to a terminal of this size. */
async function onTerminal(size: string, env: Readonly<Record<string, string>>): Promise<string> {
  await using server = await startLittleServer()
  const siege = `${process.execPath} ${siegeEntry} ${server.url}/pay --body '{"amount":5}' --only burst-100,after-success`
  const child = spawn('script', ['-qec', `stty ${size}; ${siege}`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...env },
  })
  return await text(child.stdout)
}

const escape = '\u001b['
const hideCursor = `${escape}?25l`
const showCursor = `${escape}?25h`

test.skipIf(!hasScript()).each([
  ['a terminal', 'rows 40 cols 100', { TERM: 'xterm', draws: true, colours: true }],
  ['a small one', 'rows 6 cols 30', { TERM: 'xterm', draws: true, colours: true }],
  ['one without colours', 'rows 40 cols 100', { TERM: 'xterm', NO_COLOR: '1', draws: true, colours: false }],
  ['one that does not know its size', 'rows 0 cols 0', { TERM: 'xterm', draws: false, colours: true }],
  ['a dumb one', 'rows 40 cols 100', { TERM: 'dumb', draws: false, colours: false }],
] as const)('on %s', async (_name, size, { draws, colours, ...env }) => {
  const written = await onTerminal(size, env)
  expect(stripVTControlCharacters(written)).toContain('pass: 2 pass')
  expect(written.includes('in flight'), 'the live view').toBe(draws)
  expect(written.includes(hideCursor)).toBe(draws)
  expect(written.lastIndexOf(showCursor), 'the cursor is there again').toBeGreaterThanOrEqual(
    written.lastIndexOf(hideCursor),
  )
  expect(written.includes(`${escape}32m`)).toBe(colours)
})
