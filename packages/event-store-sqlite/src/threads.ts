import { stripTypeScriptTypes } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { WorkerOptions } from 'node:worker_threads'
import { withoutWarning } from './without-warning.ts'

const runsFromSources = import.meta.url.endsWith('.ts')

let starts = 0

/** Starts a file of this package as a thread: TypeScript from the sources, JavaScript from a build. */
export function startThread(name: 'writer-thread' | 'backup-thread', options: WorkerOptions): Worker {
  starts += 1
  if (runsFromSources && starts === 2) keepTypeStripper()
  return new Worker(new URL(`./${name}.${runsFromSources ? 'ts' : 'js'}`, import.meta.url), options)
}

/**
 * Has this thread load Node's type stripper, a WebAssembly module that all threads share. While only short-lived threads
 * hold it, one that frees it can crash another that uses it (a SIGSEGV in V8, `Runtime_TierUpWasmToJSWrapper`, seen with
 * Node 24.21 in one of some hundred starts). A process that was started from TypeScript has it already; a test runner
 * that transforms the sources by itself has not. It takes some 10 MB, and a server starts one thread: so not at once.
 */
function keepTypeStripper(): void {
  withoutWarning('ExperimentalWarning', () => stripTypeScriptTypes(''))
}
