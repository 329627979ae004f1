import type { InputIssue } from '@holdfast/contracts'
import type { Command } from '@holdfast/core'
import { ProblemError } from './problem-error.ts'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The command's input: the body's members and the path's parameters, checked against its schema.
 *
 * @throws ProblemError `request-invalid`, with each fault by its path
 */
export function validateInput(command: Command, body: unknown, params: Readonly<Record<string, string>>): object {
  const parsed = command.input.safeParse(command.params.length === 0 ? body : withParams(command, body, params))
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, message }): InputIssue => ({ path: path.join('.'), message }))
  throw new ProblemError('request-invalid', describe(issues), issues)
}

function withParams(command: Command, body: unknown, params: Readonly<Record<string, string>>): unknown {
  if (body === undefined) return { ...params }
  if (!isObject(body)) return body
  const contradicting = command.params.filter((name) => Object.hasOwn(body, name) && body[name] !== params[name])
  if (contradicting.length > 0) {
    const issues = contradicting.map((name): InputIssue => ({ path: name, message: 'differs from the path' }))
    throw new ProblemError('request-invalid', describe(issues), issues)
  }
  return { ...body, ...params }
}

const describe = (issues: readonly InputIssue[]): string =>
  `The input does not fit: ${issues.map(({ path, message }) => `${path === '' ? 'body' : path}: ${message}`).join('; ')}.`
