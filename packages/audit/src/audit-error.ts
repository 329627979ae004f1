/**
 * - `key`: a key that is none, or of another kind
 * - `signature`: signed by nobody who is trusted, or not at all
 * - `seal`: the seal folder is damaged, contradicts itself, or is another log's
 * - `not-sealed`: what is asked about is not sealed yet
 * - `tampered`: the store does not hold what was sealed
 * - `proof`: a proof that proves nothing
 */
export type AuditErrorCode = 'key' | 'signature' | 'seal' | 'not-sealed' | 'tampered' | 'proof'

/** An audit that cannot be made, or whose answer is no. */
export class AuditError extends Error {
  override readonly name = 'AuditError'
  readonly code: AuditErrorCode

  constructor(code: AuditErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
