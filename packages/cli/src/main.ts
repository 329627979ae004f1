#!/usr/bin/env node
import { runProgram } from './program.ts'

// Whoever reads may stop before the end: `holdfast … | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await runProgram(process.argv.slice(2), process)
