import type { FastifyInstance } from 'fastify'

/** Which methods a path takes, for 405 and its `Allow` (RFC 9110 §15.5.6). */
export interface AllowedMethods {
  of(url: string): readonly string[]
}

/** Collects every route as it is added. Create it before the routes. */
export function collectAllowedMethods(fastify: FastifyInstance): AllowedMethods {
  const routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()
  fastify.addHook('onRoute', ({ method, url }) => {
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() }
    for (const name of [method].flat()) route.methods.add(name)
    routes.set(url, route)
  })
  return {
    of(url) {
      const path = url.split('?', 1)[0] ?? ''
      const methods = new Set<string>()
      for (const route of routes.values()) {
        if (route.pattern.test(path)) for (const name of route.methods) methods.add(name)
      }
      // Fastify adds HEAD only beside GET; the GET of a prefix's second spelling (`/docs/`) it does not announce.
      if (methods.has('HEAD')) methods.add('GET')
      return [...methods].sort()
    },
  }
}

function patternOf(url: string): RegExp {
  const pattern = url
    .split('/')
    .map((part) => {
      if (part.startsWith(':')) return '[^/]+'
      return part === '*' ? '.*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    })
    .join('/')
  return new RegExp(`^${pattern}$`)
}
