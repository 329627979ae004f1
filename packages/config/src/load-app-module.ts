import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SettingsError } from './load.ts'

/**
 * Imports the module that `HOLDFAST_APP` names and returns its export `app`. A name that starts with `.` or `/` is a path
 * from the working directory, anything else a package.
 *
 * @throws SettingsError when there is no such module, or it exports no application
 */
export async function loadAppModule<App>(name: string, isApp: (value: unknown) => value is App): Promise<App> {
  const specifier = /^[./]/.test(name) ? pathToFileURL(resolve(name)).href : name
  let module: { readonly app?: unknown }
  try {
    module = (await import(specifier)) as { readonly app?: unknown }
  } catch (error) {
    throw new SettingsError(
      `HOLDFAST_APP=${JSON.stringify(name)} is not allowed: the module cannot be loaded (${error instanceof Error ? error.message : String(error)})`,
      { cause: error },
    )
  }
  if (!isApp(module.app))
    throw new SettingsError(
      `HOLDFAST_APP=${JSON.stringify(name)} is not allowed: the module exports no \`app\` made by defineApp()`,
    )
  return module.app
}
