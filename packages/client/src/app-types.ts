/** What the client needs to know of an application, as types: `typeof app` of a `defineApp` fits. Nothing of it is loaded. */
export interface AppShape {
  readonly commands: readonly CommandShape[]
}

export interface CommandShape {
  readonly name: string
  readonly route: { readonly method: string; readonly path: string }
  /** A schema that tells its types the standard way (https://standardschema.dev), as zod's do. */
  readonly input: { readonly '~standard': unknown }
  readonly refusals: object
  respond(event: never, events: readonly never[]): { readonly body?: unknown }
}

type CommandsOf<A extends AppShape> = A['commands'][number]

/** `POST /api/order` */
type RouteRefOf<C extends CommandShape> = C extends CommandShape
  ? `${C['route']['method']} ${C['route']['path']}`
  : never

/** The application's commands by route: `'POST /api/order' | 'PUT /api/orders/{order_id}' | …`. */
export type RouteRef<A extends AppShape> = RouteRefOf<CommandsOf<A>>

/** The application's commands by name: `'order.place' | …`. */
export type CommandName<A extends AppShape> = CommandsOf<A>['name']

/** The route of each command by its name. A route that the application does not have does not compile. */
export type Routes<A extends AppShape> = {
  readonly [C in CommandsOf<A> as C['name']]: RouteRefOf<C>
}

/** The command that a name or a route stands for. */
export type CommandOf<A extends AppShape, Ref extends string> = SelectCommand<CommandsOf<A>, Ref>

type SelectCommand<C extends CommandShape, Ref extends string> = C extends CommandShape
  ? Ref extends C['name'] | RouteRefOf<C>
    ? C
    : never
  : never

/** What a command takes: the members of its body and the parameters of its path, before the schema's transformations. */
export type InputOf<C extends CommandShape> = C['input']['~standard'] extends { readonly types?: infer Types }
  ? NonNullable<Types> extends { readonly input: infer Input }
    ? unknown extends Input
      ? object
      : Input
    : object
  : object

/** The body of a command's success, as its `respond` makes it. */
export type BodyOf<C extends CommandShape> = C extends {
  respond(event: never, events: readonly never[]): { readonly body?: infer Body }
}
  ? Body
  : unknown

/** The codes of a command's business refusals. */
export type RefusalCodeOf<C extends CommandShape> = Extract<keyof C['refusals'], string>
