import { fileURLToPath } from 'node:url'
import { runToExit } from '@holdfast/testing/processes'
import { expect, test } from 'vitest'
import { resultOf } from './command.ts'
import { startLittleServer } from './little-server.ts'

const entry = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

test('holdfast siege is the same command: verdict, JSON, exit codes', async () => {
  await using server = await startLittleServer({ defects: ['check-then-set'], workMs: 100 })
  const args = ['siege', `${server.url}/pay`, '--body', '{"amount":5}', '--json', '--only']
  const failed = await runToExit({ entry, args: [...args, 'simultaneous-50'], timeoutMs: 90_000 })
  expect([failed.code, resultOf(failed).verdict]).toEqual([1, 'fail'])
  const passed = await runToExit({ entry, args: [...args, 'key-missing'], timeoutMs: 90_000 })
  expect([passed.code, resultOf(passed).verdict]).toEqual([0, 'pass'])
  const wrong = await runToExit({ entry, args: ['siege', 'http://192.0.2.1/'], timeoutMs: 90_000 })
  expect([wrong.code, wrong.stdout]).toEqual([2, ''])
})
