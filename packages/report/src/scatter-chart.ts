import { colourOf } from './palette.ts'
import type { LineChart } from './line-chart.ts'
import { axis, grid, legend, renderSvg } from './render.ts'

/** From here on the points of a series become one shape: a file of thousands of circles opens slowly. */
const manyPoints = 2_000

export interface ScatterChart extends LineChart {
  /** Makes the y axis one of names: y is then an index into them, first name on top. For timelines of several actors. */
  readonly rows?: readonly string[]
}

/** Points, one colour per series; with x as time, a timeline of what happened when. The result is an SVG element. */
export async function scatterChart(chart: ScatterChart): Promise<string> {
  const { series, rows, logX = false, logY = false } = chart
  const named = series.length > 1
  const y =
    rows === undefined
      ? axis(logY ? 'log' : 'value', chart.yLabel)
      : axis('category', chart.yLabel, { data: [...rows], inverse: true, splitLine: { show: false } })
  return renderSvg(chart, rows === undefined ? 320 : 130 + rows.length * 26, {
    grid: grid(chart, named, rows),
    ...(named && {
      legend: legend(
        chart,
        series.map((one) => one.name),
      ),
    }),
    xAxis: axis(logX ? 'log' : 'value', chart.xLabel),
    yAxis: y,
    series: series.map((one) => ({
      type: 'scatter',
      name: one.name,
      data: one.points
        .filter((point) => (!logX || point[0] > 0) && (!logY || rows !== undefined || point[1] > 0))
        .map((point) => [...point]),
      symbolSize: one.points.length > 300 ? 4 : 7,
      large: one.points.length > manyPoints,
      largeThreshold: manyPoints,
      itemStyle: { opacity: 0.7, ...(one.colour !== undefined && { color: colourOf(one.colour) }) },
    })),
  })
}
