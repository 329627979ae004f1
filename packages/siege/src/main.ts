#!/usr/bin/env node
/** `holdfast-siege <url>`: the siege as a program of its own. */
import { CommanderError } from 'commander'
import { siegeCommand } from './command.ts'

try {
  await siegeCommand('holdfast-siege').exitOverride().parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  // Help ends with 0. What cannot be understood could not begin.
  process.exitCode = error.exitCode === 0 ? 0 : 2
}
