/** Entry of a provider's process: the example's own, told by the environment what a start by hand tells by arguments. */
const { PROVIDER = '', PROVIDER_LEDGER = '', HOLDFAST_PORT = '0' } = process.env
process.argv.splice(2, process.argv.length, PROVIDER, HOLDFAST_PORT, PROVIDER_LEDGER)
await import('../../examples/orders/providers/main.ts')
