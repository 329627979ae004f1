import { parseTenant, type Tenant } from '@holdfast/core'
import type { ApiKeys } from '@holdfast/config'
import { hash } from 'node:crypto'
import { ProblemError } from './problem-error.ts'

/** What is asked of a request: Fastify's is one. */
export interface Authorized {
  readonly headers: { readonly authorization?: string | undefined }
}

/** Says whose request it is. @throws ProblemError `unauthenticated` */
export type Authenticate = (request: Authorized) => Tenant

const everybody = tenantNamed('default')

/**
 * Authentication by API key. Without keys everybody is the tenant `default`. Keys are looked up by their hash, so that
 * the time of a look-up says nothing about the characters of a key.
 */
export function createAuthenticate(apiKeys: ApiKeys): Authenticate {
  if (apiKeys.size === 0) return () => everybody
  const tenants = new Map([...apiKeys].map(([key, tenant]) => [digest(key), tenantNamed(tenant)]))
  return (request) => {
    const tenant = ownerOf(tenants, request)
    if (tenant === undefined) {
      throw new ProblemError('unauthenticated', 'Send a known API key as `Authorization: Bearer <key>`.')
    }
    return tenant
  }
}

/** Names the operator of a request. @throws ProblemError `operator-required` */
export function createAuthenticateOperator(operatorKeys: ApiKeys): (request: Authorized) => string {
  const operators = new Map([...operatorKeys].map(([key, operator]) => [digest(key), operator]))
  return (request) => {
    const operator = ownerOf(operators, request)
    if (operator === undefined) {
      throw new ProblemError('operator-required', "Send an operator's key as `Authorization: Bearer <key>`.")
    }
    return operator
  }
}

function ownerOf<T>(owners: ReadonlyMap<string, T>, request: Authorized): T | undefined {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  return token === undefined ? undefined : owners.get(digest(token))
}

const digest = (key: string): string => hash('sha256', key, 'hex')

function tenantNamed(name: string): Tenant {
  const tenant = parseTenant(name)
  if (tenant === undefined) throw new TypeError(`"${name}" is not a tenant name`)
  return tenant
}
