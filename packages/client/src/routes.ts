import type { AppShape, Routes } from './app-types.ts'

/**
 * The routes of an application by command name, for those who have it at hand (a service, a script that writes the map
 * for a browser). Elsewhere the map is written out; its type holds it to the application.
 */
export function routesOf<A extends AppShape>(app: A): Routes<A> {
  return Object.fromEntries(
    app.commands.map(({ name, route }) => [name, `${route.method} ${route.path}`]),
  ) as unknown as Routes<A>
}

/** What is sent for a command: the path's parameters are filled in, the rest of the input is the body. */
export interface Target {
  readonly method: string
  readonly path: string
  /** JSON; undefined where the path says everything. */
  readonly body: string | undefined
}

/**
 * @param ref a route, `PUT /api/orders/{order_id}`, or a name that `routes` has
 * @throws TypeError for an unknown command, and for a parameter of the path that the input lacks
 */
export function targetOf(ref: string, input: object, routes: Readonly<Record<string, string>>): Target {
  const route = Object.hasOwn(routes, ref) ? (routes[ref] ?? '') : ref
  const [, method = '', template = ''] = /^([A-Z]+) (\/.*)$/.exec(route) ?? []
  if (method === '') throw new TypeError(`"${ref}" is neither a route, such as "POST /api/order", nor a name in routes`)
  const rest = new Map(Object.entries(input))
  let params = 0
  const path = template.replace(/\{([^}]+)\}/g, (_match, name: string) => {
    const value = rest.get(name) as unknown
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new TypeError(`${ref} needs "${name}" in its input, a string or a number, for the path`)
    }
    // A URL drops these segments, encoded or not: the request would be for another path.
    if (/^\.{0,2}$/.test(String(value))) throw new TypeError(`"${value}" cannot stand in the path of ${ref}`)
    rest.delete(name)
    params += 1
    return encodeURIComponent(value)
  })
  if (params === 0) return { method, path, body: JSON.stringify(input) }
  return { method, path, body: rest.size === 0 ? undefined : JSON.stringify(Object.fromEntries(rest)) }
}
