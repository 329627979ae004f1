import { fork } from 'node:child_process'
import * as os from 'node:os'
import * as fs from 'node:fs'
import { randomUUID } from 'node:crypto'
import { createEventStoreDbEventStore } from './index.ts'
import { startStandIn } from '@holdfast/testing/eventstore-stand-in'
const q = (a: number[], p: number) => a.toSorted((x, y) => x - y)[Math.floor(a.length * p)]!.toFixed(2)
if (process.argv[2] === 'serve') {
  const dir = fs.mkdtempSync(os.tmpdir() + '/hf-')
  const s = await startStandIn({ port: 0, dataFile: dir + '/d' })
  process.send!({ url: s.url })
  process.on('message', () => { console.log('server cpu', process.cpuUsage()); process.exit(0) })
} else {
  const child = fork(import.meta.filename, ['serve'], { execArgv: process.env.SPROF ? ['--cpu-prof', '--cpu-prof-dir=/tmp/hfprobe/prof'] : [] })
  const url = await new Promise<string>((r) => child.once('message', (m: any) => r(m.url)))
  const n = Number(process.argv[2] ?? 20000), conc = Number(process.argv[3] ?? 64)
  const store = createEventStoreDbEventStore({ connectionString: url })
  const one = (i: number) => store.append('command-' + i + process.pid, [{ id: randomUUID(), type: 'OrderPlaced', data: { i, x: 'y'.repeat(400) }, metadata: { v: 1 } }], 'no_stream')
  for (let i = 0; i < 300; i++) await one(-5000 - i)
  const lat: number[] = []; for (let i = 0; i < 1000; i++) { const t = performance.now(); await one(-1 - i); lat.push(performance.now() - t) }
  console.log('single append ms p50', q(lat, .5), 'p99', q(lat, .99))
  const rl: number[] = []; for (let i = 0; i < 1000; i++) { const t = performance.now(); await store.read('command-' + (-1 - i) + process.pid, { direction: 'backwards', maxCount: 1 }); rl.push(performance.now() - t) }
  console.log('single read ms p50', q(rl, .5), 'p99', q(rl, .99))
  for (let round = 0; round < 3; round++) {
    let i = round * n; const end = i + n; const t = performance.now(); const c0 = process.cpuUsage(); const ls: number[] = []
    await Promise.all(Array.from({ length: conc }, async () => { while (i < end) { const t0 = performance.now(); await one(i++); ls.push(performance.now() - t0) } }))
    const dt = performance.now() - t; const c = process.cpuUsage(c0); console.log('rate', Math.round(n / dt * 1000), 'p50', q(ls, .5), 'p99', q(ls, .99), 'client us/append', ((c.user + c.system) / n).toFixed(1))
  }
  let seen = 0; const t = performance.now(); const stop = new AbortController()
  for await (const b of store.subscribe({ prefix: 'command-', signal: stop.signal })) { seen += b.events.length; if (b.caughtUp) break }
  console.log('catch-up events/s', Math.round(seen / (performance.now() - t) * 1000), seen)
  child.send('x'); await store.close(); setTimeout(() => process.exit(0), 500)
}
