import { apps } from '../support/paths.ts'
import type { TestServerOptions } from '../support/server.ts'

/** API keys of the profile `tenants`. */
export const apiKeys = { acme: 'acme-key-0123456789', globex: 'globex-key-0123456789' } as const

/** The one page that the profile `tenants` lets call from a browser. */
export const pageOrigin = 'https://shop.example'
/** The operator's key, and how many may read results at a gateway, in the profile `tenants`. */
export const operatorKey = 'ops-key-0123456789'
export const maxConsumers = 3

/** Settings of the profile `tight`. */
export const tight = {
  maxBodyBytes: 2_048,
  bodyTimeoutMs: 800,
  idleTimeoutMs: 1_000,
  maxInFlight: 4,
  waitMs: 300,
} as const

/** The servers that the suite asks for: each is started once, at its first use, and shared by the tests. */
export const profiles = {
  /** The defaults; a key is reusable the moment it expires. */
  standard: { app: apps.contract, env: { HOLDFAST_CLOCK_SKEW_MS: '0' } },
  /**
   * Two tenants, by API key, an operator, and a page that may call from a browser; results with frequent heartbeats, for
   * few consumers.
   */
  tenants: {
    app: apps.contract,
    env: {
      HOLDFAST_API_KEYS: `acme=${apiKeys.acme},globex=${apiKeys.globex}`,
      HOLDFAST_CORS_ORIGINS: pageOrigin,
      HOLDFAST_OPERATOR_KEYS: `ops=${operatorKey}`,
      HOLDFAST_RESULTS_HEARTBEAT_MS: '100',
      HOLDFAST_RESULTS_MAX_CONSUMERS: String(maxConsumers),
    },
  },
  /** Small bounds, so that they can be met. */
  tight: {
    app: apps.contract,
    env: {
      HOLDFAST_MAX_BODY_BYTES: String(tight.maxBodyBytes),
      HOLDFAST_BODY_TIMEOUT_MS: String(tight.bodyTimeoutMs),
      HOLDFAST_IDLE_TIMEOUT_MS: String(tight.idleTimeoutMs),
      HOLDFAST_MAX_IN_FLIGHT: String(tight.maxInFlight),
      HOLDFAST_WAIT_MS: String(tight.waitMs),
    },
  },
} as const satisfies Record<string, TestServerOptions>

export type ProfileName = keyof typeof profiles
