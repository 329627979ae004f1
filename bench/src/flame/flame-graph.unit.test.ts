import { expect, test } from 'vitest'
import { flameGraph } from './flame-graph.ts'

const node = (id: number, functionName: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url: functionName === 'ours' ? 'file:///r/packages/core/src/key.ts' : '', lineNumber: 4 },
  children,
})

test('a frame is as wide as its share of the working time; idle time is none', () => {
  const svg = flameGraph(
    {
      nodes: [node(1, '(root)', [2, 3, 4]), node(2, 'ours', [5]), node(3, '(idle)'), node(4, '<b>'), node(5, 'deep')],
      samples: [2, 5, 5, 3, 4],
      timeDeltas: [100, 100, 100, 5_000, 100],
    },
    'a < b',
  )
  const widthOf = (name: string): string | undefined =>
    new RegExp(`<title>${name} [^<]*</title><rect [^>]*width="([\\d.]+)"`).exec(svg)?.[1]
  expect(widthOf('ours')).toBe('900.0')
  expect(widthOf('deep')).toBe('600.0')
  expect(widthOf('&lt;b&gt;')).toBe('300.0')
  expect(svg).toContain('ours core/src/key.ts:5 75.0 %')
  expect(svg).toContain('a &lt; b: 5 samples')
  expect(svg).not.toContain('idle)')
})
