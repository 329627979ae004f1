/**
 * `npm run storm -- <keys> <attempts> <gateway> [<gateway> …]`: a rogue agent. Sends every key so many times at once, spread
 * over the gateways, retries what has no outcome yet under the same key, and tells what came back. Loopback only.
 */
import { parseArgs } from 'node:util'

const { positionals } = parseArgs({ allowPositionals: true })
const [keys = 0, attempts = 0] = positionals.slice(0, 2).map(Number)
const gateways = positionals.slice(2)
const isLocal = gateways.every((url) => /^http:\/\/(127\.0\.0\.1|localhost)(:\d+)?$/.test(url))
if (!(keys > 0 && keys <= 10_000) || !(attempts > 0 && attempts <= 100) || gateways.length === 0 || !isLocal) {
  console.error('usage: npm run storm -- <keys, at most 10000> <attempts, at most 100> http://127.0.0.1:<port> …')
  process.exit(2)
}

const statuses = new Map<string, number>()
const bodies = new Map<string, Set<string>>()
const run = `storm-${Date.now().toString(36)}`
const patienceMs = 120_000
/** Not the outcome: accepted, or refused for now. 502 and 504 are a proxy's, of a gateway that died or hangs. */
const again = new Set([202, 502, 503, 504])

async function attempt(key: string, number: number): Promise<void> {
  const giveUpAt = Date.now() + patienceMs
  for (let turn = number; Date.now() < giveUpAt; turn++) {
    const answer = await send(gateways[turn % gateways.length] ?? '', key)
    const status = answer === undefined ? 'cut off' : String(answer.status)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (answer !== undefined && !again.has(answer.status)) {
      bodies.set(key, (bodies.get(key) ?? new Set()).add(answer.body))
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 800))
  }
  throw new Error(`${key} has no outcome after two minutes`)
}

async function send(url: string, key: string): Promise<{ readonly status: number; readonly body: string } | undefined> {
  try {
    const response = await fetch(`${url}/api/order`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: '{"product_id":"abc","quantity":2}',
    })
    return { status: response.status, body: await response.text() }
  } catch {
    // The connection broke: whether the command arrived is just what the key is for.
    return undefined
  }
}

const started = performance.now()
// Each attempt has a connection of its own: more at one time is a test of the machine's limits.
const keysAtOnce = Math.ceil(500 / attempts)
for (let from = 0; from < keys; from += keysAtOnce) {
  const batch = Array.from({ length: Math.min(keysAtOnce, keys - from) }, (_, n) => `${run}-${from + n}`)
  await Promise.all(batch.flatMap((key) => Array.from({ length: attempts }, (_, number) => attempt(key, number))))
}
const distinct = [...bodies.values()].map((each) => each.size)
console.log(
  `${keys} keys, ${attempts} attempts each, over ${gateways.length} ${gateways.length === 1 ? 'address' : 'addresses'}, in ${((performance.now() - started) / 1000).toFixed(1)} s`,
)
console.log(
  `answers by status: ${[...statuses]
    .sort()
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ')}`,
)
console.log(
  `keys with one body: ${distinct.filter((count) => count === 1).length}, with several: ${distinct.filter((count) => count > 1).length}`,
)
process.exitCode = distinct.length === keys && distinct.every((count) => count === 1) ? 0 : 1
