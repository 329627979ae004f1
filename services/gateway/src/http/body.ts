import { isUtf8 } from 'node:buffer'
import { parseStrictJson } from '@holdfast/core'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from './problem-error.ts'

const utf8Only = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*$/i

/** Whether a body of this `Content-Type` is JSON in UTF-8. */
export const isJson = (contentType: string): boolean => contentType === 'application/json' || utf8Only.test(contentType)

/**
 * Takes JSON in UTF-8 and nothing else, and parses it strictly: a body from which a fingerprint is made has to mean one
 * thing only.
 */
export function acceptStrictJson(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (!isJson(request.headers['content-type'] ?? '')) {
      done(new ProblemError('content-type-unsupported', 'The body must be JSON in UTF-8.'))
      return
    }
    const coding = request.headers['content-encoding'] ?? 'identity'
    if (coding.toLowerCase() !== 'identity') {
      done(new ProblemError('content-type-unsupported', 'The body must be sent without a content coding.'))
      return
    }
    const bytes = body as Buffer
    if (!isUtf8(bytes)) {
      done(new ProblemError('request-malformed', 'The body is not valid UTF-8.'))
      return
    }
    const parsed = parseStrictJson(bytes.toString('utf8'))
    if (parsed.kind === 'invalid')
      done(new ProblemError('request-malformed', `The body is not acceptable JSON: ${parsed.reason}.`))
    else done(null, parsed.value)
  })
}
