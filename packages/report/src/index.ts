/**
 * Charts and pages for reports: data in, text out.
 *
 * - `bar-chart.ts`, `line-chart.ts`, `scatter-chart.ts`, `histogram.ts`: one chart each, as an SVG string
 * - `render.ts`: loads ECharts at the first chart and renders without a DOM
 * - `palette.ts`: colours that hold on light and dark grounds
 * - `html-page.ts`, `styles.ts`, `escape-html.ts`: a self-contained HTML document
 */
export type { BarChart, BarSeries } from './bar-chart.ts'
export type { Bin, Histogram } from './histogram.ts'
export type { Block, Cell, HtmlPage, Section, Tone } from './html-page.ts'
export type { LineChart, Point, PointSeries } from './line-chart.ts'
export type { Colour } from './palette.ts'
export type { AxisFrame, ChartFrame } from './render.ts'
export type { ScatterChart } from './scatter-chart.ts'
export { barChart, shortNumber } from './bar-chart.ts'
export { binsOf, histogram } from './histogram.ts'
export { escapeHtml } from './escape-html.ts'
export { htmlPage } from './html-page.ts'
export { lineChart } from './line-chart.ts'
export { scatterChart } from './scatter-chart.ts'
