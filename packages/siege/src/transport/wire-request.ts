/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** In their order; a name may come twice. Without `Content-Length`, and as a rule without `Host`. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Undefined: no body. */
  readonly body: string | undefined
}

/** Name and value of `Content-Length`, as RFC 9110 section 8.6 has it: also where a method expects content and there is none. */
export function contentLength({ method, body }: WireRequest): readonly (readonly [string, string])[] {
  if (body === undefined && !/^(POST|PUT|PATCH)$/.test(method)) return []
  return [['Content-Length', String(Buffer.byteLength(body ?? ''))]]
}

/** `Host`, unless the request names one itself. */
export const hostHeader = ({ headers }: WireRequest, host: string): readonly (readonly [string, string])[] =>
  headers.some(([name]) => name.toLowerCase() === 'host') ? [] : [['Host', host]]

/** The bytes of the request, as a plain client writes them. */
export function requestBytes(request: WireRequest, host: string): Buffer {
  const { method, path, body } = request
  const lines = [`${method} ${path} HTTP/1.1`]
  for (const [name, value] of [...hostHeader(request, host), ...request.headers, ...contentLength(request)])
    lines.push(`${name}: ${value}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body ?? '')])
}
