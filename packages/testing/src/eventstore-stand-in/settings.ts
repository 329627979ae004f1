import * as path from 'node:path'

export interface StandInSettings {
  readonly port: number
  readonly host: string
  readonly dataFile: string
  /** Undefined: no control port. */
  readonly controlPort: number | undefined
  readonly batchAppend: boolean
  readonly maxAppendBytes: number
  readonly writeTimeoutMs: number
  readonly indexDelayMs: number
  readonly unsafeNoSync: boolean
}

export type SettingsResult =
  | { readonly kind: 'settings'; readonly settings: StandInSettings }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly message: string }

interface Flag {
  readonly flag: string
  readonly variable: string
  readonly fallback: string
  readonly kind: 'port' | 'count' | 'text' | 'switch'
  readonly text: string
}

const flags = {
  port: {
    flag: '--port',
    variable: 'HOLDFAST_STANDIN_PORT',
    fallback: '2113',
    kind: 'port',
    text: 'TCP port; 0 takes a free one',
  },
  host: {
    flag: '--host',
    variable: 'HOLDFAST_STANDIN_HOST',
    fallback: '127.0.0.1',
    kind: 'text',
    text: 'address to listen on; it knows no users, so only a closed network',
  },
  data: {
    flag: '--data',
    variable: 'HOLDFAST_STANDIN_DATA',
    fallback: './data/eventstore-stand-in.log',
    kind: 'text',
    text: 'the file that keeps the events',
  },
  controlPort: {
    flag: '--control-port',
    variable: 'HOLDFAST_STANDIN_CONTROL_PORT',
    fallback: '',
    kind: 'port',
    text: 'loopback HTTP port of the levers (faults, clock, scavenge); none unless given',
  },
  maxAppendBytes: {
    flag: '--max-append-bytes',
    variable: 'HOLDFAST_STANDIN_MAX_APPEND_BYTES',
    fallback: '1048576',
    kind: 'count',
    text: 'largest append',
  },
  writeTimeoutMs: {
    flag: '--write-timeout-ms',
    variable: 'HOLDFAST_STANDIN_WRITE_TIMEOUT_MS',
    fallback: '2000',
    kind: 'count',
    text: 'an append not visible by then is answered with a timeout',
  },
  indexDelayMs: {
    flag: '--index-delay-ms',
    variable: 'HOLDFAST_STANDIN_INDEX_DELAY_MS',
    fallback: '0',
    kind: 'count',
    text: 'how much later than durable an append becomes visible',
  },
  noBatchAppend: {
    flag: '--no-batch-append',
    variable: 'HOLDFAST_STANDIN_NO_BATCH_APPEND',
    fallback: 'false',
    kind: 'switch',
    text: 'answer ServerFeatures with UNIMPLEMENTED',
  },
  unsafeNoSync: {
    flag: '--unsafe-no-sync',
    variable: 'HOLDFAST_STANDIN_UNSAFE_NO_SYNC',
    fallback: 'false',
    kind: 'switch',
    text: 'no fsync: what was acknowledged can be lost with the machine',
  },
} as const satisfies Readonly<Record<string, Flag>>

export const helpText = [
  'A stand-in for EventStoreDB: a part of tests and measurements, not a database. It speaks the gRPC protocol of',
  '@eventstore/db-client and keeps its events in one file, synced to the disk before it answers.',
  '',
  'Usage: npm run eventstore -- [flags]     Each flag can be given as an environment variable too; the flag wins.',
  '',
  ...Object.values(flags).map(
    ({ flag, variable, fallback, text }) =>
      `  ${flag.padEnd(20)} ${variable.padEnd(36)} ${text}${fallback === '' ? '' : ` (${fallback})`}`,
  ),
  `  ${'--help'.padEnd(57)} this text`,
  '',
].join('\n')

/** Resolves the settings: flag, then environment, then default. */
export function resolveSettings(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): SettingsResult {
  if (argv.includes('--help') || argv.includes('-h')) return { kind: 'help' }
  const given = new Map<string, string>()
  const known = new Map<string, Flag>(Object.values(flags).map((flag) => [flag.flag, flag]))
  for (let at = 0; at < argv.length; at += 1) {
    const [name = '', inline] = (argv[at] ?? '').split(/=(.*)/s)
    const flag = known.get(name)
    if (!flag) return { kind: 'invalid', message: `unknown flag ${name}; --help lists them` }
    if (flag.kind === 'switch') {
      given.set(name, inline ?? 'true')
      continue
    }
    const value = inline ?? argv[(at += 1)]
    if (value === undefined) return { kind: 'invalid', message: `${name} needs a value` }
    given.set(name, value)
  }
  const problems: string[] = []
  const text = ({ flag, variable, fallback }: Flag): string => given.get(flag) ?? env[variable] ?? fallback
  const integer = (flag: Flag): number => {
    const value = Number(text(flag))
    const highest = flag.kind === 'port' ? 65_535 : Number.MAX_SAFE_INTEGER
    if (text(flag).trim() === '' || !Number.isInteger(value) || value < 0 || value > highest) {
      problems.push(`${flag.flag} / ${flag.variable} is '${text(flag)}'; allowed: a whole number up to ${highest}`)
    }
    return value
  }
  const isOn = (flag: Flag): boolean => {
    if (!['true', 'false', '1', '0'].includes(text(flag))) {
      problems.push(`${flag.flag} / ${flag.variable} is '${text(flag)}'; allowed: true, false`)
    }
    return ['true', '1'].includes(text(flag))
  }
  const settings: StandInSettings = {
    port: integer(flags.port),
    host: text(flags.host),
    dataFile: path.resolve(text(flags.data)),
    controlPort: text(flags.controlPort) === '' ? undefined : integer(flags.controlPort),
    batchAppend: !isOn(flags.noBatchAppend),
    maxAppendBytes: integer(flags.maxAppendBytes),
    writeTimeoutMs: integer(flags.writeTimeoutMs),
    indexDelayMs: integer(flags.indexDelayMs),
    unsafeNoSync: isOn(flags.unsafeNoSync),
  }
  if (problems.length > 0) return { kind: 'invalid', message: problems.join('\n') }
  return { kind: 'settings', settings }
}
