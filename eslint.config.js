import { builtinModules } from 'node:module'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Relative paths stay in their own package: another one's `src` is reached by the package's name, as these rules see it. */
const otherSources = { regex: '^\\.\\.?/.*/src/', message: 'import another package by its name.' }

/** What may stand in an import of `packages/core`: it decides, others do. */
const coreBans = {
  patterns: [
    otherSources,
    {
      regex: '^(?!\\.{1,2}/|@holdfast/contracts$|zod$|node:crypto$)',
      message: 'core is free of I/O, clients and frameworks, and imports point inward: put it behind a port.',
    },
  ],
}

/** What core must not reach without an import. Time, ids and randomness come in as arguments. */
const coreGlobals = [
  'fetch',
  'process',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'WebSocket',
  'require',
]
const coreSyntax = [
  { selector: 'ImportExpression', message: 'core loads nothing by itself.' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'time comes in as an argument.' },
]
const coreProperties = [
  { object: 'Date', property: 'now', message: 'time comes in as an argument.' },
  { object: 'Math', property: 'random', message: 'random numbers come in as arguments.' },
]

/**
 * SQLite plans a statement anew at each `LIMIT ?`, since 3.48: binding a bare parameter there counts as a new query. That costs as
 * much as the query itself. An expression around it is left alone.
 */
const bareLimits = ['Literal[value=/LIMIT \\?/]', 'TemplateElement[value.raw=/LIMIT \\?/]'].map((selector) => ({
  selector,
  message: 'SQLite plans a statement with `LIMIT ?` anew each time: write `LIMIT +?`.',
}))

/** Services are composition roots: only standalone, which is all of them in one process, may import another one. */
const services = ['@holdfast/gateway*', '@holdfast/handler*', '@holdfast/projector*', '@holdfast/standalone*']

export default defineConfig(
  { ignores: ['**/node_modules/**', '**/dist/**', '**/data/**', 'coverage/**', '**/*.js', '**/*.mjs', '**/*.cjs'] },
  ...tseslint.configs.recommendedTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-definitions': 'off',
      // The adapters keep the ports' asynchronous signatures, also where their own work is synchronous.
      '@typescript-eslint/require-await': 'off',
      'max-lines': ['error', { max: 400 }],
      'max-params': 'off',
      '@typescript-eslint/max-params': ['error', { max: 3 }],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['packages/core/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': ['error', coreBans],
      'no-restricted-globals': ['error', ...coreGlobals],
      'no-restricted-syntax': ['error', ...coreSyntax],
      'no-restricted-properties': ['error', ...coreProperties],
    },
  },
  {
    // The system's clock and ids, to be handed in; and the length of pauses, which decides nothing.
    files: ['packages/core/src/system.ts', 'packages/core/src/handler/backoff.ts'],
    rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
  },
  {
    files: ['packages/contracts/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            otherSources,
            { group: ['@holdfast/*', 'node:*'], message: 'contracts stand alone, in browsers too.' },
          ],
        },
      ],
    },
  },
  {
    files: ['packages/client/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: builtinModules.map((name) => ({ name, message: 'the client runs in browsers too.' })),
          patterns: [
            otherSources,
            { group: ['node:*'], message: 'the client runs in browsers too.' },
            {
              group: ['@holdfast/*', '!@holdfast/contracts'],
              message: 'the client knows the contract, not the server.',
            },
          ],
        },
      ],
      'no-restricted-globals': ['error', ...['Buffer', 'process', 'global', '__dirname', 'setImmediate', 'require']],
    },
  },
  {
    files: ['packages/client/**/*.ts'],
    ignores: ['packages/client/src/kafka/**', '**/*.test.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { paths: [{ name: 'kafkajs', message: 'only @holdfast/client/kafka needs it.' }] },
      ],
    },
  },
  {
    files: ['packages/**/*.ts'],
    ignores: ['packages/core/**', 'packages/contracts/**', 'packages/client/**', '**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            otherSources,
            { group: [...services, '@holdfast/example-*'], message: 'packages do not know services.' },
          ],
        },
      ],
    },
  },
  {
    files: ['packages/*-sqlite/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...bareLimits] },
  },
  {
    files: ['services/**/*.ts'],
    ignores: ['services/standalone/**', '**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [otherSources, { group: services, message: 'only standalone may import another service.' }] },
      ],
    },
  },
  {
    // Their packages are installed by the benchmark only: without them no rule may ask for types.
    files: ['bench/peers/**/*.ts'],
    extends: [tseslint.configs.disableTypeChecked],
  },
  {
    files: ['scripts/**/*.ts', 'bench/**/*.ts', 'infra/**/*.ts', '**/main.ts', '**/backup.ts'],
    rules: { 'no-console': 'off' },
  },
)
