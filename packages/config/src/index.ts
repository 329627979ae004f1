/**
 * - `setting.ts`: kinds of settings
 * - `settings.ts`: every `HOLDFAST_*` variable
 * - `load.ts`: resolving them at start
 * - `load-app-module.ts`: importing what `HOLDFAST_APP` names
 * - `document.ts`: `docs/configuration.md`
 */
export type { ApiKeys, SettingName, Settings } from './settings.ts'
export type { Setting } from './setting.ts'
export { definitions, loadSettings, SettingsError, unknownSettings } from './load.ts'
export { settingsDocument } from './document.ts'
export { loadAppModule } from './load-app-module.ts'
