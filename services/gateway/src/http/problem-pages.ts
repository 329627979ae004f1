import { errorCatalogue, isErrorCode } from '@holdfast/contracts'
import type { App } from '@holdfast/core'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from './problem-error.ts'

/** `GET /problems/<code>`: what a code means and what to do, for Holdfast's codes and the application's refusals. */
export function addProblemPages(fastify: FastifyInstance, app: App): void {
  fastify.get<{ Params: { code: string } }>('/problems/:code', (request, reply) => {
    const { code } = request.params
    const page = isErrorCode(code) ? catalogued(code) : refused(app, code)
    if (page === undefined) throw new ProblemError('not-found', 'There is no such problem code.')
    return reply.header('content-type', 'text/html; charset=utf-8').send(html(code, page))
  })
}

interface Page {
  readonly status: number
  readonly title: string
  readonly meaning: string
  readonly action: string
  readonly recorded: string
}

function catalogued(code: keyof typeof errorCatalogue): Page {
  const { retryable, ...entry } = errorCatalogue[code]
  const recorded =
    code === 'command-failed'
      ? 'Yes. Every retry with this key gets the same answer.'
      : 'No. It leaves no trace on the key.'
  return {
    ...entry,
    recorded: `${recorded} ${retryable ? 'The same request may be sent again with the same key.' : ''}`,
  }
}

function refused(app: App, code: string): Page | undefined {
  const entry = app.refusals.get(code)
  return (
    entry && { ...entry, recorded: 'Yes. It is the outcome of the command, and every retry with this key gets it.' }
  )
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character] ?? '')
/** Back-ticks in the catalogue's texts mark code. */
const marked = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>')

const html = (code: string, page: Page): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${page.status} ${escape(code)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}code{background:#8882;padding:0 .2em}dt{font-weight:600;margin-top:1rem}dd{margin:0}</style>
<h1>${escape(page.title)}</h1>
<p><code>${escape(code)}</code>, HTTP ${page.status}</p>
<dl>
<dt>What has happened</dt><dd>${marked(page.meaning)}</dd>
<dt>What to do</dt><dd>${marked(page.action)}</dd>
<dt>Is it recorded for the key?</dt><dd>${marked(page.recorded)}</dd>
</dl>
</html>
`
