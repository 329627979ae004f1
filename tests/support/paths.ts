import { fileURLToPath } from 'node:url'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Entry points of the services. */
export const entries = {
  standalone: path('../../services/standalone/src/main.ts'),
  backup: path('../../services/standalone/src/backup.ts'),
  cli: path('../../packages/cli/src/main.ts'),
} as const

/** Applications for tests. */
export const apps = {
  contract: path('../apps/contract.ts'),
  v1: path('../apps/v1.ts'),
  v2: path('../apps/v2.ts'),
  projected1: path('../apps/embedded-projections/v1.ts'),
  projected2: path('../apps/embedded-projections/v2.ts'),
} as const
