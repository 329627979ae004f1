import {
  created,
  defineCommand,
  parseTenant,
  type Command,
  type CommandContext,
  type CommandResponse,
  type CommandSpec,
  type DomainEvent,
  type Refusal,
  type RefusalEntry,
  type RetryPolicy,
  type Tenant,
} from '@holdfast/core'
import { z } from 'zod'

const input = z.object({ body: z.string() })
const refusals = {
  'test-refused': { status: 409, title: 'Refused', meaning: 'The test refuses.', action: 'Nothing.' },
} satisfies Record<string, RefusalEntry>

export type TestInput = z.output<typeof input>
type Outcome = DomainEvent | readonly DomainEvent[] | Refusal
export type TestHandle = (input: TestInput, ctx: CommandContext<'test-refused'>) => Outcome | Promise<Outcome>

type Spec = CommandSpec<string, typeof input, DomainEvent, typeof refusals>
export interface TestCommandOptions extends Partial<
  Pick<Spec, 'identity' | 'supersedes' | 'concurrent' | 'expired' | 'retentionMs' | 'historyRetentionMs'>
> {
  /** Default `thing.make`. */
  readonly name?: string
  readonly retry?: Partial<RetryPolicy>
  readonly respond?: (event: DomainEvent, events: readonly DomainEvent[]) => CommandResponse
}

/** `POST /<name>` with `{ body: string }`; answers 201 with the data of the last event. It may refuse with `test-refused`. */
export function testCommand(handle: TestHandle, options: TestCommandOptions = {}): Command {
  const { name = 'thing.make', respond = (event) => created(event.data), ...rest } = options
  return defineCommand({
    name,
    route: { method: 'POST', path: `/${name}` },
    input,
    refusals,
    handle,
    respond,
    ...rest,
  })
}

/** A tenant's name as a tenant. @throws TypeError when it is none */
export function testTenant(name: string): Tenant {
  const tenant = parseTenant(name)
  if (tenant === undefined) throw new TypeError(`"${name}" is no tenant`)
  return tenant
}
