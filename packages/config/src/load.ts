import { settingDefinitions, type SettingName, type Settings } from './settings.ts'
import type { Setting } from './setting.ts'

const prefix = 'HOLDFAST_'

/** A value that is not allowed. The message names the variable, the value and what is allowed, one line for each. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}

/**
 * Resolves all settings: overrides (arguments), then the environment, then defaults. An empty variable counts as absent.
 *
 * @throws SettingsError naming every bad variable
 */
export function loadSettings(
  environment: Readonly<Record<string, string | undefined>>,
  overrides: Partial<Record<SettingName, string>> = {},
): Settings {
  const faults: string[] = []
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const [name, setting] of definitions()) {
    const given = overrides[name] ?? environment[`${prefix}${name}`]
    const text = given === undefined || given === '' ? setting.default : given
    const parsed = setting.schema.safeParse(text)
    if (parsed.success) values[name] = parsed.data
    else faults.push(`${prefix}${name}=${shown(setting, text)} is not allowed: it takes ${setting.allowed}`)
  }
  if (faults.length > 0) throw new SettingsError(faults.join('\n'))
  return values as Settings
}

/** Variables that look like settings and are none: most often a slip of the pen. */
export function unknownSettings(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.keys(environment).filter(
    (name) => name.startsWith(prefix) && !Object.hasOwn(settingDefinitions, name.slice(prefix.length)),
  )
}

/** The definitions as a list, in the order of the documentation. */
export function definitions(): readonly (readonly [SettingName, Setting<unknown>])[] {
  return Object.entries(settingDefinitions) as unknown as readonly (readonly [SettingName, Setting<unknown>])[]
}

const shown = (setting: Setting<unknown>, text: string | undefined): string =>
  setting.secret === true ? '(secret)' : JSON.stringify(text ?? '')
