import { defineConfig } from 'vitest/config'

/** The suffix says the tier: unit and contract suites run side by side, e2e (real processes) one file at a time. */
export default defineConfig({
  test: {
    reporters:
      process.env['CI'] === undefined
        ? ['default']
        : ['default', ['json', { outputFile: 'node_modules/.cache/vitest-report.json' }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '**/src/**/*.unit.test.ts',
            'scripts/**/*.unit.test.ts',
            'tests/**/*.unit.test.ts',
            'examples/**/*.unit.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/dist/**'],
          // Nothing waits here, but a property test computes for seconds where other work runs beside it.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['**/src/**/*.contract.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['**/*.e2e.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
