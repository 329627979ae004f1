import { colourOf, type Colour } from './palette.ts'
import { axis, grid, legend, renderSvg, type AxisFrame, type ChartFrame } from './render.ts'

/** A place: x, then y. */
export type Point = readonly [x: number, y: number]

export interface PointSeries {
  readonly name: string
  readonly points: readonly Point[]
  readonly colour?: Colour
}

export interface LineChart extends ChartFrame, AxisFrame {
  readonly series: readonly PointSeries[]
  /** Logarithmic axes; what is not above 0 is left out. Default false. */
  readonly logX?: boolean
  readonly logY?: boolean
}

/** Lines through points in the order given. The result is an SVG element. */
export async function lineChart(chart: LineChart): Promise<string> {
  const { series, logX = false, logY = false } = chart
  const named = series.length > 1
  const shown = (point: Point) => (!logX || point[0] > 0) && (!logY || point[1] > 0)
  return renderSvg(chart, 320, {
    grid: grid(chart, named),
    ...(named && {
      legend: legend(
        chart,
        series.map((one) => one.name),
      ),
    }),
    xAxis: axis(logX ? 'log' : 'value', chart.xLabel, { scale: true }),
    yAxis: axis(logY ? 'log' : 'value', chart.yLabel),
    series: series.map((one) => ({
      type: 'line',
      name: one.name,
      data: one.points.filter(shown).map((point) => [...point]),
      showSymbol: one.points.length <= 60,
      symbolSize: 6,
      lineStyle: { width: 2 },
      ...(one.colour !== undefined && { color: colourOf(one.colour) }),
    })),
  })
}
