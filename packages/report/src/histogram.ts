import { colourOf, type Colour } from './palette.ts'
import { axis, grid, renderSvg, type ChartFrame } from './render.ts'

export interface Histogram extends ChartFrame {
  /** In any order. What is not finite is left out. */
  readonly values: readonly number[]
  /** At most so many bars; default 24. */
  readonly bins?: number
  /** Of the values, at the axis: `ms`. */
  readonly unit?: string
  readonly colour?: Colour
}

export interface Bin {
  /** Inclusive. */
  readonly from: number
  /** Exclusive, but in the last one. */
  readonly to: number
  readonly count: number
}

/**
 * Counts values in bins of one width, a round number (1, 2 or 5 times a power of ten), so that the labels are short.
 * No finite value: no bin.
 */
export function binsOf(values: readonly number[], bins = 24): readonly Bin[] {
  const finite = values.filter(Number.isFinite)
  if (finite.length === 0) return []
  const least = finite.reduce((a, b) => Math.min(a, b))
  const most = finite.reduce((a, b) => Math.max(a, b))
  const width = roundWidth((most - least) / bins || Math.abs(most) / bins || 1)
  const first = Math.floor(least / width)
  const counts = new Array<number>(Math.floor(most / width) - first + 1).fill(0)
  for (const value of finite) {
    const at = Math.min(counts.length - 1, Math.max(0, Math.floor(value / width) - first))
    counts[at] = (counts[at] ?? 0) + 1
  }
  // `(first + at) * width` in place of repeated sums: these would carry rounding errors into the labels.
  const edge = (at: number) => Number(((first + at) * width).toPrecision(12))
  return counts.map((count, at) => ({ from: edge(at), to: edge(at + 1), count }))
}

/** The next of 1, 2, 5 times a power of ten that is not smaller. */
function roundWidth(width: number): number {
  const power = 10 ** Math.floor(Math.log10(width))
  const factor = [1, 2, 5, 10].find((one) => one * power >= width * (1 - 1e-9)) ?? 10
  return factor * power
}

/** How often which values occur: the label at a bar is where it begins. The result is an SVG element. */
export async function histogram(chart: Histogram): Promise<string> {
  const counted = binsOf(chart.values, chart.bins)
  return renderSvg(chart, 260, {
    grid: grid(chart, false),
    xAxis: axis('category', chart.unit, { data: counted.map((bin) => String(bin.from)) }),
    yAxis: axis('value', undefined, { minInterval: 1 }),
    series: [
      {
        type: 'bar',
        data: counted.map((bin) => bin.count),
        barCategoryGap: '4%',
        ...(chart.colour !== undefined && { itemStyle: { color: colourOf(chart.colour) } }),
      },
    ],
  })
}
