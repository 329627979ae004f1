import { builtinModules } from 'node:module'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const io = [
  'fs',
  'fs/promises',
  'net',
  'http',
  'https',
  'http2',
  'child_process',
  'worker_threads',
  'sqlite',
  'os',
  'process',
  'dgram',
  'tls',
  'dns',
]

/** What `packages/core` must not import: it decides, others do. */
const coreBans = {
  paths: io
    .flatMap((name) => [`node:${name}`, name])
    .map((name) => ({ name, message: 'core is free of I/O: put it behind a port.' })),
  patterns: [
    {
      group: ['fastify*', 'kafkajs*', '@eventstore/*', 'pino*', 'prom-client', 'pg'],
      message: 'core knows ports, not clients or frameworks.',
    },
    { group: ['@holdfast/*', '!@holdfast/contracts'], message: 'imports point inward: core imports contracts only.' },
  ],
}

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
    rules: { 'no-restricted-imports': ['error', coreBans] },
  },
  {
    files: ['packages/contracts/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@holdfast/*', 'node:*'], message: 'contracts stand alone, in browsers too.' }] },
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
            {
              group: [
                '@holdfast/gateway*',
                '@holdfast/handler*',
                '@holdfast/projector*',
                '@holdfast/standalone*',
                '@holdfast/example-*',
              ],
              message: 'packages do not know services.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['packages/**/*.ts', 'services/**/*.ts'],
    ignores: ['packages/transport-kafka/**', 'packages/testing/**'],
    rules: {},
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
