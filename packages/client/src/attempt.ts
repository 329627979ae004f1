import type { ResolvedOptions } from './options.ts'

/** What one request met: an answer that was read to its end, or none. */
export type Met =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: Headers; readonly text: string }
  | { readonly kind: 'no-answer'; readonly cause: unknown }

export interface AttemptRequest {
  readonly method: string
  /** Below the base URL. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Called just before it is sent: what is thrown before that has had no effect. */
  readonly onSend?: () => void
}

/**
 * Sends one request, once. A connection that fails, an answer that breaks off and one that does not come in time are
 * `no-answer`; redirects are not followed, since one could turn a POST into a GET.
 *
 * @throws the signal's reason when the caller aborts; before anything is sent, what an `apiKey` function throws, and
 *   TypeError for a request that cannot be built
 */
export async function attempt(options: ResolvedOptions, request: AttemptRequest): Promise<Met> {
  const { method, path, body, timeoutMs, signal } = request
  const headers = await options.commonHeaders()
  for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name, value)
  if (body !== undefined) headers.set('content-type', 'application/json')
  signal?.throwIfAborted()
  const limit = AbortSignal.timeout(Math.ceil(timeoutMs))
  const outgoing = new Request(`${options.baseUrl}${path}`, {
    method,
    headers,
    redirect: 'manual',
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    ...(body !== undefined && { body }),
  })
  request.onSend?.()
  try {
    const response = await options.fetch(outgoing)
    return { kind: 'answer', status: response.status, headers: response.headers, text: await response.text() }
  } catch (cause) {
    signal?.throwIfAborted()
    return { kind: 'no-answer', cause }
  }
}
