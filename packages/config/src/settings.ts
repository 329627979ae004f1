import { z } from 'zod'
import { choiceSetting, integerSetting, textSetting, type Setting } from './setting.ts'

const anyText = { regex: /^[^\0]+$/, allowed: 'a path' }
const hours = 3_600_000

/** Names (tenants, operators) by key. */
export type ApiKeys = ReadonlyMap<string, string>

const apiKeyPattern = /^([A-Za-z0-9._-]{1,64})=([\x21-\x2b\x2d-\x7e]{16,256})$/

interface KeysSpec {
  /** What stands before the `=`. */
  readonly owner: string
  readonly description: string
}

const keysSetting = ({ owner, description }: KeysSpec): Setting<ApiKeys> => ({
  default: '',
  allowed: `comma-separated <${owner}>=<key>; a ${owner} has 1 to 64 of A-Z a-z 0-9 . _ -, a key 16 to 256 visible ASCII characters without comma; no key twice`,
  description,
  secret: true,
  schema: z.string().transform((text, context): ApiKeys => {
    const byKey = new Map<string, string>()
    for (const part of text === '' ? [] : text.split(',')) {
      const match = apiKeyPattern.exec(part.trim())
      const [, name, key] = match ?? []
      if (name === undefined || key === undefined || byKey.has(key)) {
        context.addIssue({ code: 'custom', message: 'malformed' })
        return z.NEVER
      }
      byKey.set(key, name)
    }
    return byKey
  }),
})

const brokers: Setting<readonly string[]> = {
  default: '127.0.0.1:9092',
  allowed: 'comma-separated <host>:<port>',
  description: 'Kafka brokers. Distributed runtime only.',
  schema: z
    .string()
    .regex(/^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$/)
    .transform((text) => text.split(',')),
}

const corsOrigins: Setting<ReadonlySet<string>> = {
  default: '',
  allowed: '`*`, or comma-separated origins: https://app.example, without a path',
  description:
    'Origins of web pages that may call the gateway from a browser (CORS). `*`: any page. Empty: none but its own.',
  reason: 'A page needs no cookie here, but a gateway without API keys would obey every page that a browser opens.',
  schema: z.string().transform((text, context): ReadonlySet<string> => {
    const origins = text === '' ? [] : text.split(',').map((part) => part.trim())
    if (
      origins.some((origin) => origin !== '*' && !isOrigin(origin)) ||
      (origins.includes('*') && origins.length > 1)
    ) {
      context.addIssue({ code: 'custom', message: 'malformed' })
      return z.NEVER
    }
    return new Set(origins)
  }),
}

/** As a browser sends it: scheme, host and port, in lower case, no default port. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text
}

/** Every setting, by the name behind `HOLDFAST_`. `docs/configuration.md` is generated from this. */
export const settingDefinitions = {
  HOST: textSetting(
    { regex: /^[A-Za-z0-9.:_-]+$/, allowed: 'an address or a host name' },
    {
      default: '127.0.0.1',
      description: 'Address to listen on.',
      reason: 'Loopback: a gateway without API keys is not for the network.',
    },
  ),
  PORT: integerSetting(
    { min: 0, max: 65_535, unit: 'a TCP port' },
    { default: '8080', description: 'Port to listen on; 0 takes a free one.' },
  ),
  DATA_DIR: textSetting(anyText, {
    default: './data',
    description: 'Folder of the embedded event store. One process at a time.',
  }),
  APP: textSetting(
    { regex: /^[^\0]+$/, allowed: 'a path or a package name' },
    {
      default: '@holdfast/example-orders',
      description: 'Module that exports the application as `app`. Paths are taken from the working directory.',
    },
  ),
  API_KEYS: keysSetting({
    owner: 'tenant',
    description:
      'API keys, checked against `Authorization: Bearer <key>`. A tenant may have several. Empty: no authentication, everybody is the tenant `default`.',
  }),
  OPERATOR_KEYS: keysSetting({
    owner: 'operator',
    description:
      'Keys of those who may release idempotency keys (`POST /idempotency-keys/{key}/release`). Empty: nobody may.',
  }),
  CORS_ORIGINS: corsOrigins,
  KAFKA_BROKERS: brokers,
  KAFKA_TOPIC_PREFIX: textSetting(
    { regex: /^[A-Za-z0-9._-]{1,100}$/, allowed: '1 to 100 of A-Z a-z 0-9 . _ -' },
    {
      default: 'holdfast',
      description: 'First part of the topic names: `<prefix>.commands`, `.replies`, `.results`, `.dead-letters`.',
    },
  ),
  KAFKA_PARTITIONS: integerSetting(
    { min: 1, max: 10_000, unit: 'partitions' },
    {
      default: '12',
      description:
        'Partitions of the commands and results topics when they are created: the bound of handlers that share the work.',
    },
  ),
  KAFKA_REPLY_PARTITIONS: integerSetting(
    { min: 1, max: 10_000, unit: 'partitions' },
    { default: '16', description: 'Partitions of the replies topic when it is created: best one for each gateway.' },
  ),
  KAFKA_REPLICATION: integerSetting(
    { min: 1, max: 15, unit: 'replicas' },
    {
      default: '1',
      description:
        'Replication factor of the topics when they are created. `min.insync.replicas` follows: 1 for 1, else one less.',
      reason: 'One broker on one machine. Use 3 in production.',
    },
  ),
  KAFKA_SESSION_MS: integerSetting(
    { min: 1_000, max: 300_000, unit: 'milliseconds' },
    {
      default: '6000',
      description:
        'After so long without a sign of life a handler is taken for dead, and others take its commands over.',
      reason: 'The least that a broker allows by its default (`group.min.session.timeout.ms`).',
    },
  ),
  EVENTSTORE_URL: textSetting(
    { regex: /^esdb(\+discover)?:\/\/.+$/, allowed: 'esdb://… or esdb+discover://…' },
    {
      default: 'esdb://127.0.0.1:2113?tls=false',
      description: 'Connection string of EventStoreDB / KurrentDB. Distributed runtime only.',
    },
  ),
  READ_STORE_URL: {
    ...textSetting(
      { regex: /^(postgres(ql)?:\/\/.+)?$/, allowed: 'postgres://<user>:<password>@<host>:<port>/<database>' },
      {
        default: '',
        description:
          'PostgreSQL for the projections. Distributed runtime only: a projector needs it; a gateway without it has no projections to read.',
      },
    ),
    secret: true,
  },
  READ_STORE_SCHEMA: textSetting(
    {
      regex: /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/,
      allowed: '1 to 63 of a-z 0-9 _, not a digit first, not pg_ first',
    },
    {
      default: 'holdfast',
      description: 'Schema of that database which holds the projections: one for each Holdfast that shares it.',
    },
  ),
  READ_STORE_CONNECTIONS: integerSetting(
    { min: 1, max: 1_000, unit: 'connections' },
    { default: '10', description: 'Most connections of one process to that database.' },
  ),
  PROJECTION_LEASE_MS: integerSetting(
    { min: 500, max: 600_000, unit: 'milliseconds' },
    {
      default: '10000',
      description:
        'When a projector was not heard of for so long, another one takes its projections over. Distributed runtime only.',
    },
  ),
  PROJECTION_WAIT_MS: integerSetting(
    { min: 0, max: 60_000, unit: 'milliseconds' },
    {
      default: '5000',
      description: 'How long a read of a projection waits for the position it asks for (`?after=`); then 503.',
    },
  ),
  PROJECTION_SNAPSHOT_EVERY: integerSetting(
    { min: 1, max: 1_000_000, unit: 'events' },
    {
      default: '2000',
      description: 'A projection can be read as of a moment by folding at most about so many events.',
      reason: 'Some tens of milliseconds. Each snapshot costs a copy of what is changed after it.',
    },
  ),
  INSTANCE_ID: textSetting(
    { regex: /^[A-Za-z0-9._-]{0,100}$/, allowed: 'up to 100 of A-Z a-z 0-9 . _ -' },
    { default: '', description: 'Name of this process in logs and on Kafka. Empty: made anew at each start.' },
  ),
  LOG_LEVEL: choiceSetting(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'Least level that is logged. Keys and bodies appear at `debug` only.',
  }),
  WAIT_MS: integerSetting(
    { min: 0, max: 60_000, unit: 'milliseconds' },
    {
      default: '10000',
      description: 'How long an attempt waits for the outcome when it does not say (`Prefer: wait=<seconds>`).',
    },
  ),
  MAX_BODY_BYTES: integerSetting(
    { min: 1_024, max: 16_777_216, unit: 'bytes' },
    {
      default: '1048576',
      description: 'Largest request body.',
      reason: '1 MiB: an event store takes events of that order.',
    },
  ),
  MAX_IN_FLIGHT: integerSetting(
    { min: 1, max: 1_000_000, unit: 'requests' },
    { default: '8192', description: 'Attempts being answered at one time; more get 503 `overloaded`.' },
  ),
  HANDLER_WINDOW: integerSetting(
    { min: 1, max: 100_000, unit: 'commands' },
    { default: '512', description: 'Commands that one handler works on at one time. Distributed runtime only.' },
  ),
  BODY_TIMEOUT_MS: integerSetting(
    { min: 100, max: 600_000, unit: 'milliseconds' },
    { default: '15000', description: 'Time for a request to arrive, headers and body; then 408 and a closed socket.' },
  ),
  IDLE_TIMEOUT_MS: integerSetting(
    { min: 1_000, max: 3_600_000, unit: 'milliseconds' },
    {
      default: '72000',
      description: 'A kept-alive connection without a request is closed after this.',
      reason: 'Longer than the usual 60 s of load balancers, so that they close first.',
    },
  ),
  DURABLE_TIMEOUT_MS: integerSetting(
    { min: 100, max: 60_000, unit: 'milliseconds' },
    { default: '5000', description: 'How long a 202 may wait until the command is durable; then 503.' },
  ),
  DRAIN_MS: integerSetting(
    { min: 0, max: 600_000, unit: 'milliseconds' },
    {
      default: '10000',
      description:
        'How long a shutdown waits for commands that are running; the rest is accepted durably and finished at the next start.',
    },
  ),
  COMPLETER_MS: integerSetting(
    { min: 100, max: 3_600_000, unit: 'milliseconds' },
    {
      default: '30000',
      description: 'How often is looked for commands that were accepted, have no outcome, and nobody works on.',
    },
  ),
  LEASE_MS: integerSetting(
    { min: 1_000, max: 24 * hours, unit: 'milliseconds' },
    {
      default: '60000',
      description:
        "When nothing was written to an accepted command's stream for so long, any handler takes it over. Must be longer than the longest try of any command (`retry.timeoutMs`), which is checked at start. Distributed runtime only.",
    },
  ),
  HISTORY_SWEEP_MS: integerSetting(
    { min: 100, max: 24 * hours, unit: 'milliseconds' },
    {
      default: '3600000',
      description:
        'How often is looked for keys whose history is to be removed: of commands with `historyRetentionMs` only.',
    },
  ),
  RESULTS_MAX_CONSUMERS: integerSetting(
    { min: 1, max: 100_000, unit: 'connections' },
    { default: '256', description: 'Connections to `GET /results` at one time; more get 503 `too-many-consumers`.' },
  ),
  RESULTS_HEARTBEAT_MS: integerSetting(
    { min: 100, max: 600_000, unit: 'milliseconds' },
    {
      default: '15000',
      description: 'How often a connection to `GET /results` hears something when there are no results.',
      reason: 'Well under the 60 s after which most proxies close what is silent.',
    },
  ),
  RESULTS_STALL_MS: integerSetting(
    { min: 100, max: 600_000, unit: 'milliseconds' },
    {
      default: '10000',
      description: 'A consumer of `GET /results` that takes nothing for so long is cut; it resumes where it was.',
    },
  ),
  CLOCK_SKEW_MS: integerSetting(
    { min: 0, max: 24 * hours, unit: 'milliseconds' },
    {
      default: '5000',
      description: 'How far two clocks may be apart: an expired key starts its next generation only this much later.',
    },
  ),
} as const satisfies Record<string, Setting<unknown>>

export type SettingName = keyof typeof settingDefinitions
type ValueOf<S> = S extends Setting<infer T> ? T : never

/** All settings, resolved. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof settingDefinitions)[Name]> }
