import { definitions } from './load.ts'

/** `docs/configuration.md`, from the definitions. */
export function settingsDocument(): string {
  const rows = definitions().map(([name, { default: standard, allowed, description, reason }]) => {
    const why = reason === undefined ? '' : ` ${reason}`
    return `| \`HOLDFAST_${name}\` | ${standard === undefined || standard === '' ? '–' : `\`${standard}\``} | ${allowed.replaceAll('|', '\\|').replaceAll('<', '&lt;')} | ${description}${why} |`
  })
  return [
    '# Settings',
    '',
    'Every setting is an environment variable, with the same name in every service. They are read once, at start; a value',
    'that is not allowed stops the start with a line that names the variable, the value and what is allowed. An empty',
    'variable counts as absent.',
    '',
    '| variable | default | allowed | what it does |',
    '|---|---|---|---|',
    ...rows,
    '',
    '_Generated from `packages/config/src/settings.ts` by `npm run docs`; a test fails when they differ._',
    '',
  ].join('\n')
}
