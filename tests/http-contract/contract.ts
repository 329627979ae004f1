import type { OutgoingHttpHeaders } from 'node:http'
import { createApi, type Api } from '../support/api.ts'
import type { StartTestServer, TestServer } from '../support/server.ts'
import { profiles, type ProfileName } from './profiles.ts'

/** A server of the suite, and a client of it. */
export interface Served {
  readonly server: TestServer
  readonly api: Api
}

/** What the parts of the suite work with. */
export interface Contract extends AsyncDisposable {
  /** The server with these settings; started at the first call. */
  readonly serve: (profile: ProfileName) => Promise<Served>
}

/** `headers` are sent with every request of the suite. */
export function createContract(start: StartTestServer, headers?: OutgoingHttpHeaders): Contract {
  const started = new Map<ProfileName, Promise<Served>>()
  return {
    serve(profile) {
      const known = started.get(profile)
      if (known !== undefined) return known
      const serving = start(profiles[profile]).then((server) => ({ server, api: createApi(server.urls, headers) }))
      started.set(profile, serving)
      return serving
    },
    async [Symbol.asyncDispose]() {
      const servers = await Promise.allSettled(started.values())
      started.clear()
      for (const one of servers) if (one.status === 'fulfilled') await one.value.server[Symbol.asyncDispose]()
    },
  }
}
