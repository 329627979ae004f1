import type * as ECharts from 'echarts/core'
import { colours, seriesColours } from './palette.ts'

/** What every chart takes. */
export interface ChartFrame {
  readonly title: string
  /** A smaller line below the title: what was measured, on what. */
  readonly subtitle?: string
  /** CSS pixels; default 860. */
  readonly width?: number
  /** CSS pixels; the default depends on the chart. */
  readonly height?: number
}

export interface AxisFrame {
  readonly xLabel?: string
  readonly yLabel?: string
}

let loading: Promise<typeof ECharts> | undefined

/** Loads ECharts (about 1 MB of code) at the first chart: whoever only imports this package does not pay for it. */
async function load(): Promise<typeof ECharts> {
  const [core, charts, components, renderers] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ])
  core.use([
    charts.BarChart,
    charts.LineChart,
    charts.ScatterChart,
    components.GridComponent,
    components.LegendComponent,
    components.TitleComponent,
    renderers.SVGRenderer,
  ])
  return core
}

/** Renders on the server, without a DOM. The result is one `<svg>` element that loads and runs nothing. */
export async function renderSvg(frame: ChartFrame, height: number, option: ECharts.EChartsCoreOption): Promise<string> {
  const echarts = await (loading ??= load())
  const chart = echarts.init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: frame.width ?? 860,
    height: frame.height ?? height,
  })
  try {
    chart.setOption({
      animation: false,
      backgroundColor: 'transparent',
      color: [...seriesColours],
      textStyle: { fontFamily: 'system-ui, sans-serif', color: colours.text },
      title: {
        text: frame.title,
        left: 0,
        top: 0,
        textStyle: { fontSize: 15, fontWeight: 600, color: colours.text },
        subtextStyle: { fontSize: 12, color: colours.text },
        ...(frame.subtitle !== undefined && { subtext: frame.subtitle }),
      },
      ...option,
    })
    return renumber(chart.renderToSVGString())
  } finally {
    chart.dispose()
  }
}

/** Names of classes and clips carry counters of this process; counted per chart, equal data give equal files. */
function renumber(svg: string): string {
  const names = new Map<string, string>()
  return svg.replaceAll(/\bzr\d+-(?:cls-|c|g|s|p)?\d+/g, (name) => {
    const known = names.get(name) ?? `zr-${names.size}`
    names.set(name, known)
    return known
  })
}

/**
 * Room for title, legend and axes. `legend` says that there is one; `rows` are names along the y axis: without a DOM text is measured
 * by guess, and long names need some room beyond that.
 */
export const grid = (frame: ChartFrame, legend: boolean, rows: readonly string[] = []): Record<string, unknown> => ({
  left: 8 + 1.4 * Math.min(40, Math.max(0, ...rows.map((row) => row.length))),
  right: 24,
  bottom: 8,
  top: 44 + (frame.subtitle === undefined ? 0 : 18) + (legend ? 26 : 0),
  outerBoundsMode: 'same',
  outerBoundsContain: 'all',
})

export const legend = (frame: ChartFrame, names: readonly string[]): Record<string, unknown> => ({
  data: [...names],
  left: 0,
  top: frame.subtitle === undefined ? 26 : 44,
  icon: 'roundRect',
  itemWidth: 12,
  itemHeight: 12,
  textStyle: { color: colours.text },
})

/** An axis; `type` is ECharts's own word. */
export const axis = (
  type: 'value' | 'log' | 'category',
  label: string | undefined,
  more: Record<string, unknown> = {},
): Record<string, unknown> => ({
  type,
  axisLine: { show: type === 'category', lineStyle: { color: colours.line } },
  axisTick: { show: false },
  axisLabel: { color: colours.text, hideOverlap: true },
  splitLine: { show: type !== 'category', lineStyle: { color: colours.line, width: 0.5 } },
  ...(label !== undefined && {
    name: label,
    nameLocation: 'middle',
    nameTextStyle: { color: colours.text, fontSize: 12 },
  }),
  ...more,
})
