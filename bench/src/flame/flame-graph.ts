import { z } from 'zod'

/** A CPU profile as V8 writes it (`node --cpu-prof`), as far as it is used here. */
export const cpuProfile = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  samples: z.array(z.number()),
  /** Microseconds since the sample before. */
  timeDeltas: z.array(z.number()),
})

export type CpuProfile = z.infer<typeof cpuProfile>

/** Calls of one function from one place, with all that they call. */
interface Frame {
  readonly name: string
  readonly from: string
  /** Microseconds on the stack. */
  total: number
  readonly callees: Map<string, Frame>
}

const width = 1_200
const rowHeight = 17
/** Narrower frames are left out, pixels. */
const leastWidth = 0.6
const characterWidth = 6.2
/** Not work of the event loop. */
const notWork = new Set(['(idle)', '(program)', '(root)'])

/** A flame graph as an SVG document: each row a call, its width its share of the event loop's working time. */
export function flameGraph(profile: CpuProfile, title: string): string {
  const root = fold(profile)
  const rows: string[] = []
  const depth = draw(root, { x: 0, level: 0, scale: width / Math.max(1, root.total) }, rows)
  const height = (depth + 2) * rowHeight + 8
  const samples = profile.samples.length.toLocaleString('en')
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="4" y="${rowHeight - 4}">${escape(title)}: ${samples} samples, idle time left out</text>`,
    ...rows,
    '</svg>\n',
  ].join('\n')
}

/** Adds up what was on the stack at each sample. */
function fold(profile: CpuProfile): Frame {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const root: Frame = { name: 'event loop', from: '', total: 0, callees: new Map() }
  profile.samples.forEach((sample, at) => {
    const stack: { readonly name: string; readonly from: string }[] = []
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
      const frame = nodes.get(id)?.callFrame
      if (frame === undefined) break
      stack.unshift({ name: frame.functionName || '(anonymous)', from: placeOf(frame) })
    }
    const own = stack.filter(({ name }) => !notWork.has(name))
    if (own.length > 0) add(root, own, profile.timeDeltas[at] ?? 0)
  })
  return root
}

function add(root: Frame, stack: readonly { readonly name: string; readonly from: string }[], time: number): void {
  root.total += time
  let frame = root
  for (const { name, from } of stack) {
    const key = `${name} ${from}`
    const callee = frame.callees.get(key) ?? { name, from, total: 0, callees: new Map<string, Frame>() }
    frame.callees.set(key, callee)
    callee.total += time
    frame = callee
  }
}

/** `core/src/key.ts:12`: the last parts of the path are enough to know the file. */
const placeOf = ({ url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string =>
  url === '' ? '' : `${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`

/** Draws a frame and what it calls; gives the depth of the deepest row. */
function draw(frame: Frame, at: { x: number; level: number; scale: number }, rows: string[]): number {
  const wide = frame.total * at.scale
  if (wide < leastWidth) return at.level
  const y = (at.level + 1) * rowHeight + 4
  const share = ((100 * wide) / width).toFixed(1)
  const label = wide > 3 * characterWidth ? frame.name.slice(0, Math.floor(wide / characterWidth) - 1) : ''
  rows.push(
    `<g><title>${escape(`${frame.name} ${frame.from}`)} ${share} %</title>` +
      `<rect x="${at.x.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${rowHeight - 1}" fill="${colourOf(frame)}"/>` +
      (label === '' ? '' : `<text x="${(at.x + 2).toFixed(1)}" y="${y + 12}">${escape(label)}</text>`) +
      '</g>',
  )
  let deepest = at.level
  let { x } = at
  for (const callee of [...frame.callees.values()].sort((a, b) => b.total - a.total)) {
    deepest = Math.max(deepest, draw(callee, { x, level: at.level + 1, scale: at.scale }, rows))
    x += callee.total * at.scale
  }
  return deepest
}

/** Ours, Node's, packages', and the garbage collector. */
function colourOf({ name, from }: Frame): string {
  if (name === '(garbage collector)') return '#e4a0a0'
  if (from === '' || from.startsWith('node:')) return '#d9d9d9'
  // Packages are JavaScript, ours is TypeScript.
  return /\.ts:\d+$/.test(from) ? '#9cc4e4' : '#f0d9a0'
}

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
