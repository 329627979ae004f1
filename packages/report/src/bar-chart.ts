import { colourOf, colours, type Colour } from './palette.ts'
import { axis, grid, legend, renderSvg, type ChartFrame } from './render.ts'

export interface BarSeries {
  readonly name: string
  /** One per category; null leaves the place empty. */
  readonly values: readonly (number | null)[]
  readonly colour?: Colour
}

export interface BarChart extends ChartFrame {
  readonly categories: readonly string[]
  readonly series: readonly BarSeries[]
  /** Of the values, at their axis. */
  readonly valueLabel?: string
  /** Bars from left to right, for long names; default false. */
  readonly horizontal?: boolean
  /** Series on top of each other; default false: side by side. */
  readonly stacked?: boolean
  /** Logarithmic values; what is not above 0 is left out. Default false. */
  readonly log?: boolean
  /** Writes each value at its bar; default true, false when stacked. */
  readonly values?: boolean
}

/** Bars per category, one or more series. The result is an SVG element. */
export async function barChart(chart: BarChart): Promise<string> {
  const { categories, series, horizontal = false, stacked = false, log = false, values = !stacked } = chart
  const named = series.length > 1
  const category = axis('category', undefined, {
    data: [...categories],
    ...(horizontal && { inverse: true }),
    axisLabel: { color: colours.text, interval: 0, width: horizontal ? 220 : 130, overflow: 'break' },
  })
  const value = axis(log ? 'log' : 'value', chart.valueLabel)
  const height = horizontal ? 110 + categories.length * (stacked ? 26 : 10 + 20 * Math.max(1, series.length)) : 340
  return renderSvg(chart, height, {
    grid: grid(chart, named, horizontal ? categories : []),
    ...(named && {
      legend: legend(
        chart,
        series.map((one) => one.name),
      ),
    }),
    xAxis: horizontal ? value : category,
    yAxis: horizontal ? category : value,
    series: series.map((one) => ({
      type: 'bar',
      name: one.name,
      data: one.values.map((v) => (v === null || (log && v <= 0) ? '-' : v)),
      barMaxWidth: 34,
      barGap: '8%',
      ...(stacked && { stack: 'all' }),
      ...(one.colour !== undefined && { itemStyle: { color: colourOf(one.colour) } }),
      ...(values && {
        label: {
          show: true,
          position: horizontal ? 'right' : 'top',
          color: colours.text,
          fontSize: 11,
          formatter: ({ value: shown }: { readonly value: unknown }) =>
            typeof shown === 'number' ? shortNumber(shown) : '',
        },
      }),
    })),
  })
}

/** Three significant digits, thousands as k and M. */
export function shortNumber(value: number): string {
  const size = Math.abs(value)
  if (size >= 999_500) return `${Number((value / 1e6).toPrecision(3))} M`
  if (size >= 9_995) return `${Number((value / 1e3).toPrecision(3))} k`
  return size >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
