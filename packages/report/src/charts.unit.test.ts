import { describe, expect, test } from 'vitest'
import { barChart, binsOf, histogram, lineChart, scatterChart, shortNumber } from './index.ts'

const hostile = `</svg><script>alert("1")</script>&'`

/** Everything that a chart of each kind can be told in words, hostile. */
const charts = {
  bar: () =>
    barChart({
      title: hostile,
      subtitle: hostile,
      categories: [hostile, 'b'],
      series: [
        { name: hostile, values: [1, 2] },
        { name: 'second', values: [3, null] },
      ],
      valueLabel: hostile,
    }),
  line: () =>
    lineChart({ title: hostile, xLabel: hostile, yLabel: hostile, series: [{ name: hostile, points: [[1, 2]] }] }),
  scatter: () =>
    scatterChart({
      title: hostile,
      rows: [hostile],
      series: [
        { name: hostile, points: [[1, 0]] },
        { name: 'second', points: [[2, 0]] },
      ],
    }),
  histogram: () => histogram({ title: hostile, values: [1, 2, 3], unit: hostile }),
}

describe('charts', () => {
  test.each(Object.entries(charts))('%s: an SVG element that holds hostile text as text', async (_, draw) => {
    const svg = await draw()
    expect(svg).toMatch(/^<svg [^]*<\/svg>$/)
    expect(svg.match(/<\/svg>/g)).toHaveLength(1)
    expect(svg).not.toMatch(/<script|<foreignObject|\bon\w+="|href=/)
    expect(svg).toContain('&lt;script&gt;')
  })

  test('nothing in it loads anything, and equal data give equal files', async () => {
    for (const draw of Object.values(charts)) {
      const svg = await draw()
      expect(svg.replaceAll(/http:\/\/www\.w3\.org\/\S+/g, '')).not.toMatch(/https?:|url\((?!#)|@import/)
      expect(await draw()).toBe(svg)
    }
  })

  test('every value is drawn, and what a logarithmic axis has no place for is not', async () => {
    const bars = (svg: string) => (svg.match(/<path d="M[^"]*" fill="#3f8ae0"/g) ?? []).length
    const series = [{ name: 'x', values: [10, 0, 1_000] }]
    const flat = await barChart({ title: 't', categories: ['a', 'b', 'c'], series })
    const log = await barChart({ title: 't', categories: ['a', 'b', 'c'], series, log: true })
    expect(bars(flat)).toBe(3)
    expect(bars(log)).toBe(2)
    expect(flat).toContain('>1000<')
  })

  test('no data are an empty chart', async () => {
    expect(await histogram({ title: 'nothing', values: [] })).toContain('nothing')
    expect(await lineChart({ title: 'nothing', series: [] })).toContain('nothing')
  })

  test('thousands of points stay a file that opens', async () => {
    const points = Array.from({ length: 20_000 }, (_, at) => [at, at % 50] as const)
    const svg = await scatterChart({ title: 't', series: [{ name: 'x', points }] })
    expect(svg.match(/<path/g)?.length ?? 0).toBeLessThan(100)
  })
})

describe('binsOf', () => {
  test('counts every finite value once, in bins of one round width', () => {
    const bins = binsOf([0.1, 0.2, 0.3, 2, 9.99, Number.NaN, Number.POSITIVE_INFINITY], 10)
    expect(bins[0]).toEqual({ from: 0, to: 1, count: 3 })
    expect(bins.at(-1)).toEqual({ from: 9, to: 10, count: 1 })
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(5)
  })

  test('edges are free of rounding errors, and the bins follow each other', () => {
    const bins = binsOf([0.1, 0.35, 0.7, 1.3], 10)
    for (const [at, bin] of bins.entries()) {
      expect(String(bin.from).length).toBeLessThan(5)
      if (at > 0) expect(bin.from).toBe(bins[at - 1]?.to)
    }
  })

  test('one value, and none', () => {
    expect(binsOf([5])).toEqual([{ from: 5, to: 5.5, count: 1 }])
    expect(binsOf([0])).toEqual([{ from: 0, to: 1, count: 1 }])
    expect(binsOf([])).toEqual([])
  })
})

test.each([
  [0, '0'],
  [0.12345, '0.123'],
  [99.96, '100'],
  [640, '640'],
  [8_400, '8400'],
  [24_123, '24.1 k'],
  [999_600, '1 M'],
  [1_234_567, '1.23 M'],
  [-24_123, '-24.1 k'],
])('%f is written %s', (value, text) => {
  expect(shortNumber(value)).toBe(text)
})
