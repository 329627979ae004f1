import { headers, type CommandStatus, type CommandStateName } from '@holdfast/contracts'
import {
  commandIdOf,
  parseCommandId,
  type CommandGateway,
  type CommandId,
  type IdempotencyKey,
  type KeyLookup,
} from '@holdfast/core'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Authenticate } from './authenticate.ts'
import { ProblemError } from './problem-error.ts'

export interface LookupRouteOptions {
  readonly gateway: CommandGateway
  readonly authenticate: Authenticate
}

/** `GET /commands/{commandId}` and `GET /idempotency-keys/{key}`: the caller's own tenant only. */
export function addLookupRoutes(fastify: FastifyInstance, { gateway, authenticate }: LookupRouteOptions): void {
  fastify.get<{ Params: { id: string } }>('/commands/:id', async (request, reply) => {
    const tenant = authenticate(request)
    const id = parseCommandId(request.params.id)
    const found = id === undefined ? undefined : await gateway.lookup(tenant, id)
    if (id === undefined || found === undefined)
      throw new ProblemError('command-not-found', 'This tenant has no command with this id.')
    return show(reply, id, found)
  })
  fastify.get<{ Params: { key: string } }>('/idempotency-keys/:key', async (request, reply) => {
    const tenant = authenticate(request)
    // The key stands in the path as it is used: bare, percent-encoded. It is hashed with the tenant before any look-up.
    const id = commandIdOf(tenant, request.params.key as IdempotencyKey)
    const found = await gateway.lookup(tenant, id)
    if (found === undefined)
      throw new ProblemError('idempotency-key-not-found', 'This tenant has no command under this key.')
    return show(reply, id, found)
  })
}

function show(reply: FastifyReply, id: CommandId, found: KeyLookup): FastifyReply {
  const status = statusOf(id, found)
  if (status.state === 'pending' || status.state === 'accepted') void reply.header(headers.retryAfter, '1')
  else if (status.expires_at !== undefined) void reply.header(headers.idempotencyExpires, status.expires_at)
  return reply.header('cache-control', 'no-store').send(status)
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString()

function statusOf(command_id: CommandId, found: KeyLookup): CommandStatus {
  switch (found.kind) {
    case 'pending': {
      const { command, fingerprint, attempts, receivedAtMs } = found
      return {
        command_id,
        state: 'pending',
        attempts,
        command,
        fingerprint,
        generation: 1,
        accepted_at: iso(receivedAtMs),
      }
    }
    case 'accepted': {
      const { envelope, fingerprint, generation, failedAttempts, acceptedAtMs } = found
      const { command } = envelope
      return {
        command_id,
        state: 'accepted',
        attempts: failedAttempts + 1,
        command,
        fingerprint,
        generation,
        request_id: envelope.requestId,
        accepted_at: iso(acceptedAtMs),
      }
    }
    case 'released': {
      const { release, envelope, fingerprint, generation, acceptedAtMs } = found
      return {
        command_id,
        state: 'released',
        attempts: 0,
        command: envelope?.command ?? '',
        fingerprint,
        generation,
        accepted_at: iso(acceptedAtMs ?? release.releasedAtMs),
        released: { at: iso(release.releasedAtMs), by: release.by, reason: release.reason },
      }
    }
    case 'resolved': {
      const { outcome, envelope, fingerprint, generation, recordedAtMs, acceptedAtMs } = found
      const { status, headers: declared, body } = outcome.response
      return {
        command_id,
        state: outcome.kind satisfies CommandStateName,
        attempts: outcome.attempts,
        command: envelope?.command ?? '',
        fingerprint,
        generation,
        ...(envelope && { request_id: envelope.requestId }),
        // Two clocks: the store stamps a command that was accepted and decided by one append after its handler has.
        accepted_at: iso(Math.min(acceptedAtMs ?? recordedAtMs, outcome.completedAtMs)),
        completed_at: iso(outcome.completedAtMs),
        expires_at: iso(outcome.expiresAtMs),
        response: { status, headers: { ...declared }, body },
      }
    }
  }
}
