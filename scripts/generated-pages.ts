import { settingsDocument } from '@holdfast/config'
import { errorCatalogue } from '@holdfast/contracts'

/** Path in the repository → text, for every page that is made from the code. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/configuration.md', settingsDocument()],
    ['docs/errors.md', errorsDocument()],
  ])
}

function errorsDocument(): string {
  const sections = Object.entries(errorCatalogue).map(([code, { status, title, retryable, meaning, action }]) =>
    [
      `## \`${code}\``,
      '',
      `**${status} ${title}**, ${retryable ? 'retryable with the same key' : 'not retryable as it is'}`,
      '',
      meaning,
      '',
      action,
      '',
    ].join('\n'),
  )
  return [
    '# Errors',
    '',
    'Every 4xx and 5xx answer is `application/problem+json` (RFC 9457). `type` is `/problems/<code>`, a page that the',
    'gateway itself serves; `instance` is the request id, which the log has too; `retryable` says whether the same request',
    'may be sent again with the same key. Codes are never reused. The refusals of an application (out of stock, card',
    'declined) look the same under codes of their own, and they are recorded for the key like any other outcome.',
    '',
    ...sections,
    '_Generated from `packages/contracts/src/errors.ts` by `npm run docs`; a test fails when they differ._',
    '',
  ].join('\n')
}
