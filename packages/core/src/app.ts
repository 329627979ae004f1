import { isErrorCode } from '@holdfast/contracts'
import type { Command } from './command/define-command.ts'
import type { RefusalEntry } from './command/refusal.ts'
import type { JsonObject } from './json.ts'
import type { Projection } from './projection/define-projection.ts'
import { assertUpcasts, type Upcasts } from './projection/upcast.ts'

/** An application: what `HOLDFAST_APP` names. Its module exports it as `app`; `typeof app` is what types a client. */
export interface App<Commands extends readonly Command[] = readonly Command[]> {
  readonly name: string
  readonly commands: Commands
  readonly projections: readonly Projection[]
  /** How older versions of events are read; each projection has them too, and each aggregate is read so. */
  readonly upcast: Upcasts
  /** The projection of this name, if the application has one. */
  projection(name: string): Projection | undefined
  /** The command of this name, if the application has one. */
  command(name: string): Command | undefined
  /** Commands that are sent at each start. */
  readonly seeds: readonly Seed[]
  /** A line for the log at start. */
  readonly notice: string | undefined
  /** All refusal codes, for `/problems/<code>`. */
  readonly refusals: ReadonlyMap<string, RefusalEntry>
}

/** An ordinary command under a fixed key: sent at each start, executed at the first. */
export interface Seed {
  readonly command: Command
  readonly key: string
  readonly input: JsonObject
}

export interface AppSpec<Commands extends readonly Command[] = readonly Command[]> {
  readonly name: string
  readonly commands: Commands
  /** Default: none. */
  readonly projections?: readonly Projection[]
  /** How older versions of events are read, by projections, aggregates and audits; their own go before. Default: none. */
  readonly upcast?: Upcasts
  /** Sent at each start, for the tenant `default`; mind the command's `retentionMs`. Default: none. */
  readonly seeds?: readonly Seed[]
  /** A line for the log at start. Default: none. */
  readonly notice?: string | undefined
}

/**
 * Lists an application's commands and projections.
 *
 * @throws TypeError when two commands share a name or a route, two projections a name, or a refusal code means two things or
 *   one of Holdfast's own
 */
export function defineApp<const Commands extends readonly Command[]>(spec: AppSpec<Commands>): App<Commands> {
  const byName = new Map<string, Command>()
  const routes = new Set<string>()
  const refusals = new Map<string, RefusalEntry>()
  for (const command of spec.commands) {
    const route = `${command.route.method} ${command.route.path.replace(/\{[^}]+\}/g, '{}')}`
    if (byName.has(command.name)) throw new TypeError(`two commands are named "${command.name}"`)
    if (routes.has(route)) throw new TypeError(`two commands have the route "${route}"`)
    byName.set(command.name, command)
    routes.add(route)
    for (const [code, entry] of Object.entries(command.refusals)) {
      const known = refusals.get(code)
      if (isErrorCode(code) || (known !== undefined && known.status !== entry.status)) {
        throw new TypeError(`the refusal code "${code}" of "${command.name}" already means something else`)
      }
      refusals.set(code, entry)
    }
  }
  const { name, commands, seeds = [], notice, upcast = {} } = spec
  assertUpcasts(upcast, `application "${name}"`)
  const projections = new Map<string, Projection>()
  for (const projection of spec.projections ?? []) {
    if (projections.has(projection.name)) throw new TypeError(`two projections are named "${projection.name}"`)
    projections.set(projection.name, { ...projection, upcast: { ...upcast, ...projection.upcast } })
  }
  return {
    name,
    commands,
    projections: [...projections.values()],
    upcast,
    seeds,
    notice,
    command: (wanted) => byName.get(wanted),
    projection: (wanted) => projections.get(wanted),
    refusals,
  }
}

/** Narrows what a module exports to an application, for `HOLDFAST_APP`. */
export function isApp(value: unknown): value is App {
  return typeof value === 'object' && value !== null && 'commands' in value && 'command' in value && 'refusals' in value
}
