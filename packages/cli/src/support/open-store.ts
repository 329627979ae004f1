import { historyOfStore, type History } from '@holdfast/audit'
import { loadAppModule, loadSettings, type SettingName, type Settings } from '@holdfast/config'
import { isApp, type App, type EventStore } from '@holdfast/core'
import { createEventStoreDbEventStore } from '@holdfast/event-store-eventstoredb'
import { openSqliteHistory } from '@holdfast/event-store-sqlite'
import type { Command } from 'commander'

/** Options of every command that reads the store. */
export interface StoreOptions {
  readonly dataDir?: string
  readonly eventstoreUrl?: string
}

export function addStoreOptions(command: Command): Command {
  return command
    .option('--data-dir <folder>', 'data folder of the embedded runtime; default: HOLDFAST_DATA_DIR, else ./data')
    .option('--eventstore-url <url>', 'EventStoreDB instead; default: HOLDFAST_EVENTSTORE_URL, if that is set')
}

export interface OpenedStore extends AsyncDisposable {
  readonly kind: 'sqlite' | 'eventstoredb'
  /** Where it is, to be told. */
  readonly place: string
  readonly history: History
  /** The port; to be read only. */
  readonly store: EventStore
}

/**
 * Opens the store that the options or the environment name, to read it: a data folder also while a server has it.
 *
 * @throws EventStoreError, SettingsError
 */
export async function openStore(options: StoreOptions, environment = process.env): Promise<OpenedStore> {
  const { dataDir, eventstoreUrl } = options
  const settings = settingsOf({ DATA_DIR: dataDir, EVENTSTORE_URL: eventstoreUrl }, environment)
  const remote = eventstoreUrl ?? (dataDir === undefined ? environment['HOLDFAST_EVENTSTORE_URL'] : undefined)
  if (remote !== undefined && remote !== '') {
    const store = createEventStoreDbEventStore({ connectionString: settings.EVENTSTORE_URL })
    return {
      ...{ kind: 'eventstoredb', place: 'EventStoreDB', history: historyOfStore(store), store },
      [Symbol.asyncDispose]: () => store.close(),
    }
  }
  const history = openSqliteHistory({ dataDir: settings.DATA_DIR })
  return {
    ...{ kind: 'sqlite', place: settings.DATA_DIR, history, store: history.store },
    [Symbol.asyncDispose]: () => history.close(),
  }
}

/** Settings from the environment, and what the command line says instead. @throws SettingsError */
export function settingsOf(
  overrides: Partial<Record<SettingName, string | undefined>>,
  environment = process.env,
): Settings {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined)
  return loadSettings(environment, Object.fromEntries(given))
}

/** The application that `--app` or HOLDFAST_APP names. @throws SettingsError */
export function loadApp(app: string | undefined): Promise<App> {
  return loadAppModule(settingsOf({ APP: app }).APP, isApp)
}
