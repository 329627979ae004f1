import { releaseRequestSchema } from '@holdfast/contracts'
import {
  commandIdOf,
  type CommandGateway,
  parseTenant,
  releaseKey,
  systemClock,
  type EventStore,
  type IdempotencyKey,
  type Ids,
} from '@holdfast/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ProblemError } from './problem-error.ts'

export interface ReleaseRouteOptions {
  readonly store: EventStore
  readonly gateway: CommandGateway
  readonly ids: Ids
  readonly authenticateOperator: (request: FastifyRequest) => string
}

/** `POST /idempotency-keys/{key}/release`: an operator lets a key be used again before its time, and says why. */
export function addReleaseRoute(fastify: FastifyInstance, options: ReleaseRouteOptions): void {
  const { store, gateway, ids, authenticateOperator } = options
  fastify.post<{ Params: { key: string } }>('/idempotency-keys/:key/release', async (request) => {
    const by = authenticateOperator(request)
    const parsed = releaseRequestSchema.safeParse(request.body)
    if (!parsed.success) {
      const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
      throw new ProblemError('request-invalid', 'A release takes a reason, and the tenant whose key it is.', issues)
    }
    const tenant = parseTenant(parsed.data.tenant)
    if (tenant === undefined) throw new ProblemError('request-invalid', 'That is not a tenant name.')
    const key = request.params.key as IdempotencyKey
    const { reason } = parsed.data
    const result = await releaseKey({ store, ids, clock: systemClock }, { tenant, key, reason, by })
    gateway.forget(commandIdOf(tenant, key))
    switch (result.kind) {
      case 'not-found':
        throw new ProblemError('idempotency-key-not-found', 'This tenant has no command under this key.')
      case 'in-progress':
        throw new ProblemError(
          'command-in-progress',
          'The command is running; its key can be released when it has ended.',
        )
      case 'released': {
        const { generation, release } = result
        request.log.info({ tenant, generation, by: release.by }, 'a key was released')
        return {
          generation,
          released: { at: new Date(release.releasedAtMs).toISOString(), by: release.by, reason: release.reason },
        }
      }
    }
  })
}
