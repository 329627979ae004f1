import type { Answer } from '../attempt.ts'

/**
 * Where an error's documentation is, by section 2.7 of the draft: the `type` of a problem document (RFC 9457, unless it is `about:blank`), or
 * a `Link` with `rel="describedby"` (RFC 8288). Relative ones are resolved against the request.
 */
export function documentationLink(answer: Answer, requestUrl: URL): URL | undefined {
  const target = typeOf(answer) ?? describedBy(answer.headers['link'] ?? '')
  if (target === undefined || !URL.canParse(target, requestUrl.href)) return undefined
  const url = new URL(target, requestUrl)
  return /^https?:$/.test(url.protocol) ? url : undefined
}

function typeOf({ headers, body }: Answer): string | undefined {
  if (!/^application\/problem\+json\b/i.test(headers['content-type'] ?? '')) return undefined
  try {
    const document: unknown = JSON.parse(body.toString('utf8'))
    const type = typeof document === 'object' && document !== null && 'type' in document ? document.type : undefined
    return typeof type === 'string' && type !== '' && type !== 'about:blank' ? type : undefined
  } catch {
    return undefined
  }
}

function describedBy(header: string): string | undefined {
  for (const [, target, parameters = ''] of header.matchAll(/<([^>]*)>((?:\s*;[^,<]*)*)/g)) {
    if (/;\s*rel="?(?:[^";]*\s)?describedby(?:\s[^";]*)?"?\s*(?:;|$)/i.test(parameters)) return target
  }
  return undefined
}
