/** API keys of the two tenants. */
export const apiKeys = { alpha: 'alpha-key-of-the-tests', beta: 'beta-key-of-the-tests' } as const
export type TenantName = keyof typeof apiKeys
export const operatorKey = 'operator-key-of-the-tests'
