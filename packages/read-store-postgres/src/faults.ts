import { ReadStoreError } from '@holdfast/core'

/** Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html that say: the data are damaged. */
const damaged = new Set(['XX001', 'XX002'])

/** What is not there: the schema, a table or a function of it. */
const missing = new Set(['3F000', '42P01', '42883'])

/** SQLSTATE of an error that the server answered; '' for others. */
const stateOf = (error: unknown): string => {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : ''
}

/** True when something of the schema is not there. */
export const isSchemaMissing = (error: unknown): boolean => missing.has(stateOf(error))

/**
 * What an error of the server or of the connection means to a caller. Everything but damage is `unavailable`: it goes away
 * when the server is back, has room again, or lets this user in. The message names the cause, and never the password.
 */
export function readStoreErrorOf(error: unknown): ReadStoreError {
  if (error instanceof ReadStoreError) return error
  const state = stateOf(error)
  const reason = reasonOf(error)
  if (damaged.has(state)) {
    return new ReadStoreError('corrupt', `the read store's database is damaged: ${reason} (SQLSTATE ${state})`, {
      cause: error,
    })
  }
  const hint = hints[state] ?? hints[state.slice(0, 2)]
  const text = [
    `PostgreSQL: ${reason}`,
    ...(state === '' ? [] : [` (SQLSTATE ${state})`]),
    ...(hint ? [`; ${hint}`] : []),
  ]
  return new ReadStoreError('unavailable', text.join(''), { cause: error })
}

/** What to do, by SQLSTATE or its class. */
const hints: Readonly<Record<string, string>> = {
  '28': 'check user and password of the URL, and the server’s pg_hba.conf',
  '3D000': 'make the database first',
  '3F000': 'the schema has not been made yet: start a projector',
  '42P01': 'the schema has not been made yet: start a projector',
  '42883': 'the schema is of an older version: start a projector of this one',
  '42501': 'the user lacks this right',
  '53100': 'make room: it goes on by itself',
  '53300': 'raise max_connections of the server, or lower the connections of each process',
  '57014': 'the statement took longer than it may',
  '25006': 'this server takes no writes: is it a replica?',
}

/** Node tells several failed addresses as one error without a message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  if (!(error instanceof Error)) return String(error)
  return error.message === '' ? error.name : error.message
}
